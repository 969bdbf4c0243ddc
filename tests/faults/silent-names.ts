import { createSocket } from 'node:dgram'

const PRELOADED = new URL('./own-name-server.ts', import.meta.url).href

/**
 * A name server on loopback that takes every question and answers none. Processes with this
 * environment ask it, and no other.
 */
export const startSilentNames = async () => {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const environment = { NODE_OPTIONS: `--import=${PRELOADED}`, NAME_SERVER: `127.0.0.1:${socket.address().port}` }
  return { environment, close: () => void socket.close() }
}
