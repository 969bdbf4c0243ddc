import { parseArgs } from 'node:util'
import { startPrivateKafka } from '../support/kafka/kafka.ts'
import { startPrivatePostgres } from '../support/postgres/private-postgres.ts'
import { type Deployment, type Mode, startDistributed, startEmbedded } from './deployment.ts'
import { namesOfFailpoints } from './failpoint-names.ts'
import { type Outcome, type Plan, runExactlyOnce } from './run-exactly-once.ts'
import { VICTIMS } from './victims/all-victims.ts'

// The long form: `npm run faults [-- --events 100000 --kills 6 --mode embedded|kafka --seed 1]`;
// `--victims a,b` strikes these alone of what the folder `victims` has, `--victims none` none. With
// `--failpoints`, a kill at each failpoint in turn instead of at random. Ends with 1 when
// anything is not as promised.
const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '100000' },
    accounts: { type: 'string', default: '300' },
    kills: { type: 'string', default: '6' },
    mode: { type: 'string', default: 'both' },
    seed: { type: 'string', default: '1' },
    victims: { type: 'string' },
    failpoints: { type: 'boolean', default: false },
  },
})
/**
 * Notices held back by a policy, sources that fall silent and models that are published have no
 * part in the story.
 */
const REACHED = /^(?!alerting\.(activity|monitors|notifications)|scoring\.(source|publish|reevaluation))/
const chosen = values.victims?.split(',')
const victimsOf = (mode: Mode) =>
  VICTIMS.filter(({ name, modes }) => modes.includes(mode) && (chosen?.includes(name) ?? !values.failpoints))
const plan: Plan = {
  events: Number(values.events),
  accounts: Number(values.accounts),
  scoringKills: Number(values.kills),
  brokerKills: 2,
  seed: Number(values.seed),
  ...(values.failpoints ? { failpoints: namesOfFailpoints(REACHED) } : {}),
}

const print = (mode: Mode, { wrong, seen }: Outcome, deployment: Deployment): void => {
  const figures = Object.entries(seen).map(([name, count]) => `${name} ${count}`)
  process.stdout.write(`${mode}: ${figures.join(', ')}\n`)
  if (wrong.length === 0) return void process.stdout.write(`${mode}: nothing lost, nothing double\n`)
  process.exitCode = 1
  process.stdout.write(`${mode}: ${wrong.length} things are wrong\n  ${wrong.slice(0, 40).join('\n  ')}\n`)
  process.stdout.write(`${deployment.output()}\n`)
}

const hurt = async (mode: Mode, deployment: Deployment): Promise<void> => {
  try {
    print(mode, await runExactlyOnce(deployment, { ...plan, victims: victimsOf(mode) }), deployment)
  } finally {
    await deployment.stop()
  }
}

const hurtOnKafka = async (): Promise<void> => {
  const kafka = await startPrivateKafka()
  if ('unavailable' in kafka) throw new Error(`no Kafka: ${kafka.unavailable}`)
  const postgres = await startPrivatePostgres()
  try {
    await hurt('kafka', await startDistributed({ kafka, database: postgres }))
  } finally {
    await postgres.stop()
    await kafka.stop()
  }
}

if (values.mode !== 'kafka') await hurt('embedded', await startEmbedded())
if (values.mode !== 'embedded') await hurtOnKafka()
