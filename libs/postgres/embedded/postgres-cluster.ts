import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, lstatSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Account, isReachableByOthers } from './postgres-binaries.ts'

const MAJOR = '18'
/** The superuser and the database. */
export const CLUSTER_NAME = 'pulso'

/** PostgreSQL refuses to run as root: root starts it as `nobody`. */
export const accountToRunAs = (): Account | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'))
  const [, , uid, gid] = line?.split(':') ?? []
  return { uid: Number(uid ?? 65534), gid: Number(gid ?? 65534) }
}

const OUTSIDE = '/var/lib/pulso'

/**
 * Folder of the cluster: `dataDir`, or, where root's folders keep the other account out, a folder
 * under /var/lib/pulso with the link `elsewhere` to it. Deleting `dataDir` thus deletes the data.
 */
export const placeFor = async (dataDir: string, account: Account | undefined): Promise<string> => {
  if (!account) return dataDir
  await chmod(dataDir, 0o711)
  const link = join(dataDir, 'elsewhere')
  if (lstatSync(link, { throwIfNoEntry: false })) return realpath(link)
  if (existsSync(join(dataDir, 'postgres')) || isReachableByOthers(dataDir)) return dataDir
  await mkdir(OUTSIDE, { recursive: true })
  await chmod(OUTSIDE, 0o711)
  const place = await mkdtemp(join(OUTSIDE, 'data-'))
  await chmod(place, 0o711)
  symlinkSync(place, link)
  return place
}

/** Created once, readable by this user alone. */
export const readPassword = (dataDir: string): string => {
  const file = join(dataDir, 'password')
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600 })
  return readFileSync(file, 'utf8')
}

export type Cluster = {
  readonly binaries: string
  readonly clusterDir: string
  readonly password: string
  readonly account: Account | undefined
}

/** Built aside and renamed: a start that was killed half way leaves nothing that looks finished. */
const initialise = async ({ binaries, clusterDir, password, account }: Cluster): Promise<void> => {
  const half = `${clusterDir}.new`
  const passwordFile = `${half}.password`
  rmSync(half, { recursive: true, force: true })
  rmSync(passwordFile, { force: true })
  await mkdir(half, { mode: 0o700 })
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (account) {
    await chown(half, account.uid, account.gid)
    await chown(passwordFile, account.uid, account.gid)
  }
  try {
    await promisify(execFile)(
      join(binaries, 'bin', 'initdb'),
      [
        '-D',
        half,
        '-U',
        CLUSTER_NAME,
        '-A',
        'scram-sha-256',
        `--pwfile=${passwordFile}`,
        '--encoding=UTF8',
        '--locale=C.UTF-8',
      ],
      { cwd: '/', env: { TZ: 'UTC' }, ...account },
    )
    renameSync(half, clusterDir)
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

/** Creates the cluster if missing. Throws if it belongs to another major version. */
export const ensureCluster = async (cluster: Cluster): Promise<void> => {
  if (!existsSync(cluster.clusterDir)) await initialise(cluster)
  const version = readFileSync(join(cluster.clusterDir, 'PG_VERSION'), 'utf8').trim()
  if (version !== MAJOR)
    throw new Error(
      `${cluster.clusterDir} holds data of PostgreSQL ${version}, this is ${MAJOR}: move it by dump and restore`,
    )
}
