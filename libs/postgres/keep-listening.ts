import { sleep, systemClock } from '#libs/runtime/clock.ts'
import type { Logger } from '#libs/runtime/logger.ts'

const RECONNECT_MS = 500

export type ListenOptions = {
  /** Opens the connection and answers its close; calls `onLost` once when it has ended. */
  readonly connect: (onLost: () => void) => Promise<() => Promise<void>>
  /** Notifications may have been missed. */
  readonly onReconnect: () => void
  readonly logger: Logger
}

/** Keeps one listening connection open until the answer is called, whenever the server is up. */
export const keepListening = async ({ connect, onReconnect, logger }: ListenOptions): Promise<() => Promise<void>> => {
  const stopping = new AbortController()
  let close = async () => {}
  const open = async (): Promise<void> => {
    const closeIt = await connect(() => {
      if (!stopping.signal.aborted) void reopen()
    })
    if (stopping.signal.aborted) await closeIt()
    else close = closeIt
  }
  const reopen = async (): Promise<void> => {
    for (;;) {
      await sleep(systemClock, RECONNECT_MS, stopping.signal)
      if (stopping.signal.aborted) return
      try {
        await open()
        return onReconnect()
      } catch (error) {
        logger.warn({ err: error }, 'listening connection lost, trying again')
      }
    }
  }
  await open().catch(() => void reopen())
  return async () => {
    stopping.abort()
    await close()
  }
}
