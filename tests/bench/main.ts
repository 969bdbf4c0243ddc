import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { type Figure, FULL, type Run, SMOKE, withCleanup } from './bench-run.ts'
import { bigAccount } from './big-account.ts'
import { codec, codecByMsgpackr } from './codec.ts'
import { createRun } from './create-run.ts'
import { decisions } from './decisions.ts'
import { deliveries } from './deliveries.ts'
import { evaluateAccount } from './evaluate.ts'
import { eventToWebhook } from './event-to-webhook.ts'
import { hangingEndpoint } from './hanging-endpoint.ts'
import { ingestOverHttp } from './ingest.ts'
import { latencyEmbedded, latencyOnKafka } from './latency.ts'
import { millionAccounts } from './million-accounts.ts'
import { tableOf } from './print-table.ts'
import { reevaluation } from './reevaluation.ts'
import { scoringEmbedded, scoringOnKafka } from './scoring.ts'

/** Each gives one figure; those of one name differ in the bus. */
const BENCHES: readonly (readonly [name: string, measure: (run: Run) => Promise<Figure>])[] = [
  ['bare', (run) => run.bare()],
  ['scoring-kafka', scoringOnKafka],
  ['scoring-embedded', scoringEmbedded],
  ['ingest', ingestOverHttp],
  ['latency-1000', (run) => latencyOnKafka(run, 1_000)],
  ['latency-1000', (run) => latencyEmbedded(run, 1_000)],
  ['latency-5000', (run) => latencyOnKafka(run, 5_000)],
  ['latency-5000', (run) => latencyEmbedded(run, 5_000)],
  ['event-to-webhook', eventToWebhook],
  ['decisions', decisions],
  ['deliveries', deliveries],
  ['hanging-endpoint', hangingEndpoint],
  ['evaluate', evaluateAccount],
  ['codec', codec],
  ['codec-msgpackr', codecByMsgpackr],
  ['big-account', bigAccount],
  ['million-accounts', millionAccounts],
  ['re-evaluation', reevaluation],
]

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    smoke: { type: 'boolean', default: false },
    only: { type: 'string' },
    'cpu-prof': { type: 'string' },
  },
})
const wanted = options.only?.split(',') ?? BENCHES.map(([name]) => name)
const unknown = wanted.filter((name) => !BENCHES.some(([known]) => known === name))
if (unknown.length > 0) throw new Error(`no benchmark is named ${unknown.join(', ')}`)
if (options.json) await writeFile(options.json, '')
if (options['cpu-prof']) await mkdir(options['cpu-prof'], { recursive: true })

const figures: Figure[] = []
await withCleanup(async (defer) => {
  const run = createRun({ sizes: options.smoke ? SMOKE : FULL, profiles: options['cpu-prof'], defer })
  for (const [name, measure] of BENCHES) {
    if (!wanted.includes(name)) continue
    process.stderr.write(`${name} ...\n`)
    const figure = await measure(run)
    figures.push(figure)
    if (options.json) await appendFile(options.json, `${JSON.stringify(figure)}\n`)
  }
})
process.stdout.write(tableOf(figures))
