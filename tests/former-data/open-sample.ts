import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { zstdDecompressSync } from 'node:zlib'
import { accountToRunAs } from '#libs/postgres/embedded/postgres-cluster.ts'
import type { EmbeddedSample } from './embedded-sample.ts'
import type { KafkaSample } from './kafka-sample.ts'
import { unpackFolder } from './pack-folder.ts'

const FOLDER = join(import.meta.dirname, 'sample')

const readPart = async <Part>(name: string): Promise<Part> =>
  JSON.parse(zstdDecompressSync(await readFile(join(FOLDER, `${name}.json.zst`))).toString())

export const readEmbeddedSample = (): Promise<EmbeddedSample> => readPart('embedded')
export const readKafkaSample = (): Promise<KafkaSample> => readPart('kafka')

/**
 * The data folder of the version before, as it was left, in `dataDir`: the built-in PostgreSQL's
 * account owns its cluster.
 */
export const unpackDataFolder = async (dataDir: string): Promise<void> => {
  await unpackFolder(join(FOLDER, 'data.tar.zst'), dataDir)
  const account = accountToRunAs()
  if (account) await promisify(execFile)('chown', ['-R', `${account.uid}:${account.gid}`, join(dataDir, 'postgres')])
}
