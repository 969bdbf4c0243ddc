import { expect, it } from 'vitest'
import { startDistributed, startEmbedded } from '../faults/deployment.ts'
import { type Plan, runExactlyOnce } from '../faults/run-exactly-once.ts'
import { restoredDatabase } from '../faults/victims/older-database.ts'
import { lockedTables, tinyTimeouts } from '../faults/victims/role.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { startPrivatePostgres } from '../support/postgres/private-postgres.ts'

// The short form of what `npm run faults` strikes beside its kills.
const plan: Plan = { events: 4_000, accounts: 18, scoringKills: 0, brokerKills: 0, seed: 7 }
const LIMIT_MS = 180_000
const forShort = 3_000

it('in one process, tiny time-outs and locked tables while events stream: nothing is lost or double', {
  timeout: LIMIT_MS,
}, async () => {
  const victims = [tinyTimeouts, lockedTables].map((victim) => ({ ...victim, lastsMs: forShort }))
  const deployment = await startEmbedded()
  try {
    const { wrong } = await runExactlyOnce(deployment, { ...plan, victims })
    expect(wrong).toEqual([])
  } finally {
    await deployment.stop()
  }
})

await describeWithKafka('three processes on Kafka whose database is restored from a copy', (brokers) => {
  it('count what the log still has, and no number names two changes', { timeout: LIMIT_MS }, async () => {
    const never = () => Promise.reject(new Error('the broker is shared'))
    const kafka = { brokers, stop: never, kill: never, freeze: never, restart: never }
    const postgres = await startPrivatePostgres()
    try {
      const deployment = await startDistributed({ kafka, database: postgres })
      try {
        const { wrong } = await runExactlyOnce(deployment, { ...plan, victims: [restoredDatabase] })
        expect(wrong).toEqual([])
      } finally {
        await deployment.stop()
      }
    } finally {
      await postgres.stop()
    }
  })
})
