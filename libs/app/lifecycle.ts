import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import type { Logger } from '#libs/runtime/logger.ts'

/** Starts before the components that need it and stops after them. */
export type Component = {
  readonly name: string
  readonly start: () => Promise<void>
  readonly stop?: () => Promise<void>
}

/** How long a start waits for servers that are starting too. */
const PATIENCE_MS = 60_000
const PAUSE_MS = 500

export type Lifecycle = { readonly start: () => Promise<void>; readonly stop: () => Promise<void> }

/** A start that fails or is overtaken by a stop undoes itself. A failed stop is only logged. */
export const createLifecycle = (
  components: readonly Component[],
  deps: { readonly clock: Clock; readonly logger: Logger },
): Lifecycle => {
  const { clock, logger } = deps
  const started: Component[] = []
  const stopping = new AbortController()
  let starting: Promise<void> | undefined
  let stopped: Promise<void> | undefined

  const startComponent = async (component: Component): Promise<void> => {
    const deadline = clock.now() + PATIENCE_MS
    for (;;) {
      stopping.signal.throwIfAborted()
      try {
        return await component.start()
      } catch (error) {
        if (!(error instanceof UnavailableError) || clock.now() >= deadline) throw error
        logger.warn({ component: component.name, reason: error.message }, 'not there yet, trying again')
        await sleep(clock, PAUSE_MS, stopping.signal)
      }
    }
  }

  const unwind = async (): Promise<void> => {
    for (let component = started.pop(); component; component = started.pop()) {
      try {
        await component.stop?.()
      } catch (error) {
        logger.error({ err: error, component: component.name }, 'component did not stop cleanly')
      }
    }
  }

  const start = async (): Promise<void> => {
    try {
      for (const component of components) {
        // Pushed before its start: a component that fails half-way must release what it took.
        started.push(component)
        await startComponent(component)
      }
      stopping.signal.throwIfAborted()
    } catch (error) {
      await unwind()
      throw error
    }
  }

  const stop = async (): Promise<void> => {
    stopping.abort(new Error('stopped while starting'))
    await starting?.catch(() => {})
    await unwind()
  }

  return {
    start: () => {
      starting ??= start()
      return starting
    },
    stop: () => {
      stopped ??= stop()
      return stopped
    },
  }
}
