import { HOUR_MS, SECOND_MS } from '#libs/runtime/durations.ts'
/** The delay before each attempt, the first included. */
export type DeliverySchedule = readonly number[]

/** 10 attempts over about 75 hours. */
export const DEFAULT_SCHEDULE: DeliverySchedule = [
  0,
  5 * SECOND_MS,
  300 * SECOND_MS,
  1_800 * SECOND_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
]

const JITTER = 0.2

/** Jitter of +-20 % spreads the load on a receiver that comes back. Undefined: none is left. */
export const nextTryDelay = (schedule: DeliverySchedule, tries: number, random: number): number | undefined => {
  const delayMs = schedule[tries]
  return delayMs === undefined ? undefined : Math.round(delayMs * (1 - JITTER + 2 * JITTER * random))
}
