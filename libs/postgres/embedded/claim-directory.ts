import { createHash } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'

/**
 * Makes this process the only one that works in `directory`, until the answer is called or the
 * process ends. The claim is an abstract socket named after the directory: the kernel frees it when
 * its owner dies, even by SIGKILL. It keeps the process alive. Throws, with the owner's process id,
 * when another process has it.
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
