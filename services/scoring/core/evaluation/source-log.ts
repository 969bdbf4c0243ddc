/**
 * A source inactive from `fromAt` until `untilAt` (null: until it is heard). Both are set ahead of
 * time, so that every process evaluates an instant alike. `heardAt`: its last event.
 */
export type SourceInactivity = {
  readonly source: string
  readonly heardAt: number
  readonly fromAt: number
  readonly untilAt: number | null
}

export type SourceLog = {
  /** The inactive sources at an instant, and when each was last heard. */
  readonly silentAt: (at: number) => ReadonlyMap<string, number>
  /** Last instant up to `at` at which a source became inactive or active; -Infinity: never. */
  readonly changedAt: (at: number) => number
}

const NONE: ReadonlyMap<string, number> = new Map()

export const ALL_ACTIVE: SourceLog = { silentAt: () => NONE, changedAt: () => Number.NEGATIVE_INFINITY }

export const createSourceLog = (silences: readonly SourceInactivity[]): SourceLog => ({
  silentAt: (at) =>
    new Map(
      silences
        .filter(({ fromAt, untilAt }) => fromAt <= at && (untilAt === null || at < untilAt))
        .map(({ source, heardAt }) => [source, heardAt]),
    ),
  changedAt: (at) =>
    silences
      .flatMap(({ fromAt, untilAt }) => [fromAt, untilAt ?? Number.POSITIVE_INFINITY])
      .reduce((last, instant) => (instant <= at ? Math.max(last, instant) : last), Number.NEGATIVE_INFINITY),
})
