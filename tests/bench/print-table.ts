import type { Figure } from './bench-run.ts'

type Column = { readonly title: string; readonly text: (figure: Figure) => string }

const whole = (value: number | undefined): string =>
  value === undefined ? '' : Math.round(value).toLocaleString('en-US')
const tenths = (value: number | undefined): string => (value === undefined ? '' : value.toFixed(1))

const COLUMNS: readonly Column[] = [
  { title: 'bench', text: ({ bench }) => bench },
  { title: 'bus', text: ({ bus }) => bus ?? '' },
  { title: 'events/s', text: ({ perSecond }) => whole(perSecond) },
  { title: 'ratio', text: ({ ratio }) => (ratio === undefined ? '' : ratio.toFixed(2)) },
  { title: 'per flush', text: ({ eventsPerFlush }) => whole(eventsPerFlush) },
  { title: 'cpu s/million', text: ({ cpuSecondsPerMillion }) => tenths(cpuSecondsPerMillion) },
  { title: 'PostgreSQL', text: ({ postgresCpuSecondsPerMillion }) => tenths(postgresCpuSecondsPerMillion) },
  { title: 'us each', text: ({ eachUs }) => tenths(eachUs) },
  { title: 'p50 ms', text: ({ p50Ms }) => tenths(p50Ms) },
  { title: 'p99 ms', text: ({ p99Ms }) => tenths(p99Ms) },
  { title: 'max ms', text: ({ maxMs }) => tenths(maxMs) },
  { title: 'peak MB', text: ({ peakMb }) => whole(peakMb) },
  { title: 'at 300,000', text: ({ peakMbAt300k }) => whole(peakMbAt300k) },
  { title: 'ingest MB', text: ({ ingestPeakMb }) => whole(ingestPeakMb) },
  { title: 'PostgreSQL MB', text: ({ postgresPeakMb }) => whole(postgresPeakMb) },
  { title: 'disk MB/million', text: ({ mbPerMillion }) => whole(mbPerMillion) },
]

const LEGEND = `
bare: kafkajs eachBatch and JSON.parse. scoring-*: exactly once and durable, from the first commit to the last; ratio to bare.
ingest: batches of 500 over HTTP, the log acknowledging at once; ratio to the same server without its checks.
latency-N: at N events/s over HTTP, from the instant a request was due to the change on account.health.
event-to-webhook: the same at 1,000 events/s, to the signed webhook at its receiver.
decisions: accounts a second of processor time, each judged by all shipped rules.
deliveries: webhooks of one process, signed, posted and recorded; ratio to a bare signed undici loop.
hanging-endpoint: from commit to arrival at 19 endpoints while a 20th hangs; ratio of the p99 to that of 20 that answer.
evaluate: one account of 50 users, best of 20 passes.
codec: the state of that account encoded and decoded, best of 20 passes; the last column is its bytes. codec-msgpackr: by msgpackr with shared structures.
big-account: processor time per event of an account with 100,000 users; ratio to an account with ten.
million-accounts: one event of each account, in a service bounded to 40 MiB of accounts and 24 MiB of events; p50 ms to find the next 1,000 due among them.
re-evaluation: accounts a second from the publishing of a model to the last one scored by it; ms from a live event, 1,000/s meanwhile, to its change.
peak MB: VmHWM of the measured process; beside it, when 300,000 events had passed. PostgreSQL MB: Pss of its processes, shared memory counted once. MB are 10^6 bytes.
`

export const tableOf = (figures: readonly Figure[]): string => {
  const rows = [COLUMNS.map(({ title }) => title), ...figures.map((figure) => COLUMNS.map(({ text }) => text(figure)))]
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!))).join('  ')
  return `${rows.map(line).join('\n')}\n${LEGEND}`
}
