import type { TestKafka } from '../support/kafka/kafka.ts'

/** One line of the table and of the JSON file. Absent: not measured by this figure. */
export type Figure = {
  readonly bench: string
  readonly bus?: 'kafka' | 'embedded'
  readonly events?: number
  readonly perSecond?: number
  /**
   * To the bare loop of the same run. `ingest`: to the same server without its checks;
   * `deliveries`: to a bare signed undici loop; `hanging-endpoint`: of the p99 to that of the same
   * endpoints when none hangs.
   */
  readonly ratio?: number
  /** How large the flushes were, on average. */
  readonly eventsPerFlush?: number
  /** Processor time, which a busy machine moves less than the clock. */
  readonly cpuSecondsPerMillion?: number
  readonly postgresCpuSecondsPerMillion?: number
  readonly p50Ms?: number
  readonly p99Ms?: number
  readonly maxMs?: number
  /** VmHWM of the process that is measured. */
  readonly peakMb?: number
  /** The same when 300,000 events had passed. */
  readonly peakMbAt300k?: number
  /** Of the door's process, where it is one of its own. */
  readonly ingestPeakMb?: number
  /** Largest sum of Pss over PostgreSQL's processes, seen once a second. */
  readonly postgresPeakMb?: number
  /** Of one event or evaluation. */
  readonly eachUs?: number
  /** Tables and indexes of scoring. */
  readonly mbPerMillion?: number
}

export type Sizes = {
  readonly scoringEvents: number
  readonly embeddedEvents: number
  readonly ingestEvents: number
  readonly deliveries: number
  readonly decisions: number
  readonly latencySeconds: number
  /** Sent before, and not counted. */
  readonly warmUpSeconds: number
  readonly rounds: number
  readonly bigAccountActiveUsers: number
  readonly evaluations: number
  readonly accounts: number
  readonly reevaluations: number
}

export const FULL: Sizes = {
  scoringEvents: 1_000_000,
  embeddedEvents: 300_000,
  ingestEvents: 500_000,
  deliveries: 60_000,
  decisions: 1_000_000,
  latencySeconds: 20,
  warmUpSeconds: 5,
  rounds: 2,
  bigAccountActiveUsers: 20_000,
  evaluations: 200_000,
  accounts: 1_000_000,
  reevaluations: 100_000,
}
export const SMOKE: Sizes = {
  scoringEvents: 200_000,
  embeddedEvents: 50_000,
  ingestEvents: 50_000,
  deliveries: 8_000,
  decisions: 100_000,
  latencySeconds: 3,
  warmUpSeconds: 1,
  rounds: 1,
  bigAccountActiveUsers: 8_000,
  evaluations: 50_000,
  accounts: 100_000,
  reevaluations: 20_000,
}

export type Run = {
  readonly sizes: Sizes
  readonly kafka: () => Promise<TestKafka>
  /** Brokers with `scoringEvents` events on the topic of `FILLED_PREFIX`, written once. */
  readonly filledKafka: () => Promise<string>
  /** Events per second of the bare loop, measured once. */
  readonly bare: () => Promise<Figure>
  /** Folder for CPU profiles of the measured processes. */
  readonly profiles: string | undefined
}

export const FILLED_PREFIX = 'filled-'

/** Things to undo, last first, also when the work fails. */
export const withCleanup = async <T>(
  work: (defer: (undo: () => Promise<unknown>) => void) => Promise<T>,
): Promise<T> => {
  const undos: (() => Promise<unknown>)[] = []
  try {
    return await work((undo) => undos.push(undo))
  } finally {
    for (const undo of undos.reverse()) await undo()
  }
}
