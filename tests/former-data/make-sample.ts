import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { takeEmbeddedSample } from './embedded-sample.ts'
import { takeKafkaSample } from './kafka-sample.ts'

/**
 * `make-sample.ts <checkout> [folder]`: has another version of Pulso write a sample of its data,
 * see README.md.
 */
const [checkout = '', folder = join(import.meta.dirname, 'sample')] = process.argv.slice(2)
const MIDNIGHT_MARGIN_MS = 20 * 60_000

const untilMidnightMs = 86_400_000 - (Date.now() % 86_400_000)
if (untilMidnightMs < MIDNIGHT_MARGIN_MS) throw new Error('a sample is of one day: wait until midnight (UTC) is over')
await mkdir(folder, { recursive: true })
const write = (name: string, content: object): Promise<void> =>
  writeFile(join(folder, name), zstdCompressSync(JSON.stringify(content)))
await write('embedded.json.zst', await takeEmbeddedSample(resolve(checkout), join(folder, 'data.tar.zst')))
await write('kafka.json.zst', await takeKafkaSample(resolve(checkout)))
