/**
 * A source that fell silent: quiet since `heardAt`. Evaluations take account of it from `fromAt` until `untilAt` (null: until it
 * is heard again). Both lie ahead of the instant at which they are written down, so that every process evaluates any instant alike.
 */
export type SourceSilence = {
  readonly source: string
  readonly heardAt: number
  readonly fromAt: number
  readonly untilAt: number | null
}

/** What is known of the sources of a tenant. */
export type SourceLog = {
  /** The sources that are silent at an instant, and when each was last heard. */
  readonly silentAt: (at: number) => ReadonlyMap<string, number>
  /** The last instant up to `at` at which a source began to count as silent or ceased to; -Infinity before the first. */
  readonly changedAt: (at: number) => number
}

const NONE: ReadonlyMap<string, number> = new Map()

export const ALL_HEARD: SourceLog = { silentAt: () => NONE, changedAt: () => Number.NEGATIVE_INFINITY }

export const createSourceLog = (silences: readonly SourceSilence[]): SourceLog => ({
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
