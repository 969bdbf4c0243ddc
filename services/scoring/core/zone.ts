/** Calendar of one time zone. Days are numbers: days since 1970-01-01 of the local date. */
export type Zone = {
  readonly name: string
  /** The local calendar day that holds the instant. */
  readonly dayOf: (atMs: number) => number
  /** The instant at which a local day begins (DST gaps and doubles resolve as Temporal's `compatible`). */
  readonly startOfDay: (day: number) => number
  /** Same local wall time `days` later, resolved as Temporal's `compatible`. */
  readonly plusDays: (atMs: number, days: number) => number
}

/** `2026-11-22` of a day number. */
export const dateOfDay = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10)
