import { createHash } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'

/**
 * Keeps other processes out of `directory` until the answer is called. Throws with the owner's id.
 * An abstract socket is the claim: the kernel frees it when its owner dies, even by SIGKILL.
 */
export const claimDirectory = async (directory: string): Promise<() => Promise<void>> => {
  const { dev, ino } = statSync(directory)
  const name = createHash('sha256').update(`${dev}:${ino}`).digest('hex').slice(0, 32)
  const ownerFile = join(directory, 'owner.pid')
  const server = createServer((socket) => socket.destroy())
  try {
    await listen(server, `\0pulso-${name}`)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause
    throw new Error(
      `${directory} is in use by another Pulso (process ${ownerOf(ownerFile)}): stop it, or choose another directory`,
      { cause },
    )
  }
  writeFileSync(ownerFile, String(process.pid))
  return () => new Promise((resolve) => server.close(() => resolve()))
}

const listen = (server: Server, path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })

const ownerOf = (ownerFile: string): string => {
  try {
    return readFileSync(ownerFile, 'utf8')
  } catch {
    return 'unknown'
  }
}
