import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from '#libs/postgres/database.ts'
import { keyIdOf, newApiKey } from './api-key.ts'
import { insertOperatorKey } from './bootstrap-key.ts'

const readKey = async (file: string): Promise<string | undefined> => {
  try {
    const key = (await readFile(file, 'utf8')).trim()
    return keyIdOf(key) ? key : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export const developmentKeyFile = (dataDir: string): string => join(dataDir, 'dev-key')

/** The operator key of embedded mode, good only from this machine, kept in `<dataDir>/dev-key`. */
export const ensureDevelopmentKey = async ({
  database,
  dataDir,
}: {
  readonly database: Database
  readonly dataDir: string
}): Promise<string> => {
  const file = developmentKeyFile(dataDir)
  const kept = await readKey(file)
  const key = kept ?? newApiKey('test').key
  if (kept === undefined) {
    await mkdir(dataDir, { recursive: true })
    await writeFile(file, `${key}\n`, { mode: 0o600 })
  }
  await chmod(file, 0o600)
  await database.transaction((tx) => insertOperatorKey(tx, key, { name: 'development', loopbackOnly: true }))
  return key
}
