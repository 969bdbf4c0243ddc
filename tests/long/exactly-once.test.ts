import { expect, it } from 'vitest'
import { startDistributed, startEmbedded } from '../faults/deployment.ts'
import { type Plan, runExactlyOnce } from '../faults/run-exactly-once.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { createTestDatabase } from '../support/postgres/postgres.ts'

// The short form of `npm run faults`.
const plan: Plan = { events: 8_000, accounts: 36, scoringKills: 4, brokerKills: 0, seed: 20_261 }
const LIMIT_MS = 180_000

it('in one process, killed four times amid events sent up to three times: nothing is lost or double, each alert is told', {
  timeout: LIMIT_MS,
}, async () => {
  const deployment = await startEmbedded()
  try {
    const { wrong, seen } = await runExactlyOnce(deployment, plan)
    expect(wrong).toEqual([])
    expect(seen.scoringKills).toBe(4)
  } finally {
    await deployment.stop()
  }
})

await describeWithKafka('exactly once in three processes on Kafka', (brokers) => {
  it('with scoring killed three times and alerting once, nothing is lost or double, each alert is told', {
    timeout: LIMIT_MS,
  }, async () => {
    const { connectionString, drop } = await createTestDatabase()
    const never = () => Promise.reject(new Error('the broker is shared'))
    const kafka = { brokers, stop: never, kill: never, freeze: never, restart: never }
    const deployment = await startDistributed({ kafka, database: { url: connectionString } })
    try {
      const { wrong, seen } = await runExactlyOnce(deployment, { ...plan, scoringKills: 3 })
      expect(wrong).toEqual([])
      expect(seen).toMatchObject({ scoringKills: 3, alertingKills: 1 })
    } finally {
      await deployment.stop()
      await drop()
    }
  })
})
