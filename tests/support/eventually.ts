import { setTimeout as pause } from 'node:timers/promises'

/**
 * Waits until `holds` answers true, looking every 20 ms; throws with `what` when it does not within
 * the limit.
 */
export const eventually = async (
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 20_000,
): Promise<void> => {
  const giveUpAt = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${limitMs} ms: ${what}`)
    await pause(20)
  }
}
