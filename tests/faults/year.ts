import { parseArgs } from 'node:util'
import { startPrivateKafka } from '../support/kafka/kafka.ts'
import { createTestDatabase, startTestPostgres, TEST_POSTGRES } from '../support/postgres/postgres.ts'
import { runYear, type Servers } from './year/run-year.ts'

// The long form of tests/long/scripted-year.test.ts: `npm run faults -- --year [--accounts 5000
// --days 365 --rounds 1 --mode embedded|kafka --seed 1]`.
const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '5000' },
    days: { type: 'string', default: '365' },
    rounds: { type: 'string', default: '1' },
    mode: { type: 'string', default: 'both' },
    seed: { type: 'string', default: '1' },
  },
})
const plan = {
  accounts: Number(values.accounts),
  days: Number(values.days),
  rounds: Number(values.rounds),
  seed: Number(values.seed),
  latestHit: 12,
}

const play = async (mode: string, kafka?: string): Promise<void> => {
  const { connectionString, drop } = await createTestDatabase()
  const servers: Servers = { databaseUrl: connectionString, ...(kafka ? { kafka } : {}) }
  const startedAt = performance.now()
  const onDay = (day: number): void => {
    const seconds = Math.round((performance.now() - startedAt) / 1_000)
    if (day % 30 === 0) process.stdout.write(`${mode}: day ${day} after ${seconds} s\n`)
  }
  try {
    const { wrong, seen } = await runYear(servers, { ...plan, onDay })
    const figures = Object.entries(seen).map(([name, count]) => `${name} ${count}`)
    process.stdout.write(
      `${mode}: ${figures.join(', ')}, seconds ${Math.round((performance.now() - startedAt) / 1_000)}\n`,
    )
    if (wrong.length === 0) return void process.stdout.write(`${mode}: all is told as the reference tells it\n`)
    process.exitCode = 1
    process.stdout.write(`${mode}: ${wrong.length} things are wrong\n  ${wrong.slice(0, 40).join('\n  ')}\n`)
  } finally {
    await drop()
  }
}

const playOnKafka = async (): Promise<void> => {
  const kafka = await startPrivateKafka()
  if ('unavailable' in kafka) throw new Error(`no Kafka: ${kafka.unavailable}`)
  try {
    await play('kafka', kafka.brokers)
  } finally {
    await kafka.stop()
  }
}

const postgres = await startTestPostgres()
process.env[TEST_POSTGRES] = postgres.url
try {
  if (values.mode !== 'kafka') await play('embedded')
  if (values.mode !== 'embedded') await playOnKafka()
} finally {
  await postgres.stop()
}
