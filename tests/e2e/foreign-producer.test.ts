import { expect, it } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { describeWithKafka } from '../support/kafka/kafka-suite.ts'
import { startKafkaScorer } from '../support/scoring/kafka-scorer.ts'
import { usageRecord } from '../support/scoring/scorer.ts'

const PARTITIONS = 8
type Page = { readonly items: readonly { readonly id: string }[] }

await describeWithKafka('a producer that knows no partitioner', (brokers) => {
  it('scatters an account over all partitions: each event is counted once', async () => {
    const { api, produce } = await startKafkaScorer(brokers)
    const records = Array.from({ length: 40 }, () => usageRecord('acme'))
    const scatter = (shift: number) =>
      records.map(({ key, value }, i) => ({ key, value, partition: (i + shift) % PARTITIONS }))
    await produce(scatter(0))
    await produce(scatter(3))
    const ends = Array.from({ length: PARTITIONS }, (_, partition) => ({
      ...usageRecord(`end-${partition}`),
      partition,
    }))
    await produce(ends)
    await eventually('each partition is read to its end', async () => {
      const statuses = await Promise.all(ends.map((_, i) => api.status(`/v1/accounts/end-${i}`)))
      return statuses.every((status) => status === 200)
    })
    const ids = (await api.get<Page>('/v1/accounts/acme/events?limit=100')).items.map(({ id }) => id)
    expect(ids).toHaveLength(records.length)
    expect(new Set(ids).size).toBe(records.length)
    expect((await api.get<Page>('/v1/dead-letters')).items).toEqual([])
  })
})

type Letter = { readonly id: string; readonly key: string; readonly reason: string }
type Event = { readonly id: string; readonly occurredAt: string; readonly receivedAt: string }
const HOUR_MS = 3_600_000

const eventOf = (accountId: string, id: string, more: object = {}): string =>
  JSON.stringify({ id, type: 'Feature Used', accountId, occurredAt: new Date().toISOString(), ...more })

await describeWithKafka('a producer that is not ingest', (brokers) => {
  it('writes for tenants that exist only; what was refused counts once the tenant is there', async () => {
    const { api, apiOf, platform, produce } = await startKafkaScorer(brokers)
    const { database } = platform
    await database.query(`insert into access.tenant (id, name, state) values ('paused', 'Paused', 'suspended')`)
    const letters = async () => (await api.get<{ items: readonly Letter[] }>('/v1/dead-letters')).items
    await produce([
      { key: 'nobody:acme', value: eventOf('acme', 'e-1') },
      { key: 'paused:acme', value: eventOf('acme', 'e-2') },
      { key: 'No Such Tenant!:acme', value: eventOf('acme', 'e-3') },
      { key: 'default:end', value: eventOf('end', 'e-4') },
    ])
    // A record that is sent to a new topic may be stored twice.
    const deadLetteredKeys = async () => new Set((await letters()).map(({ key }) => key))
    await eventually('three are dead letters', async () => (await deadLetteredKeys()).size === 3, 30_000)
    const reasons = Object.fromEntries((await letters()).map(({ key, reason }) => [key, reason]))
    expect(reasons).toEqual({
      'nobody:acme': 'no tenant has this id',
      'paused:acme': 'the tenant is suspended',
      'No Such Tenant!:acme': 'no tenant has this id',
    })
    await eventually('the neighbour is counted', async () => (await api.status('/v1/accounts/end')) === 200)

    await database.query(`update access.tenant set state = 'active', state_at = now() where id = 'paused'`)
    const resumedAt = Date.now()
    await eventually('the state is known', () => Date.now() > resumedAt + 1_500)
    const letter = (await letters()).find(({ key }) => key === 'paused:acme')!
    expect((await api.send('POST', `/v1/dead-letters/${letter.id}/replay`)).status).toBe(202)
    const paused = await apiOf('paused')
    await eventually('its event counts', async () => (await paused.status('/v1/accounts/acme')) === 200, 30_000)
    const [event] = (await paused.get<{ items: readonly Event[] }>('/v1/accounts/acme/events')).items
    expect(Date.parse(event!.receivedAt)).toBeLessThan(resumedAt)
  })

  it('does not say when an event was received, and commands nothing', async () => {
    const { api, platform, produce } = await startKafkaScorer(brokers)
    const from = Date.now()
    const late = new Date(from - 31 * 24 * HOUR_MS).toISOString()
    await produce([
      { key: 'default:acme', value: eventOf('acme', 'e-1', { receivedAt: '2099-01-01T00:00:00.000Z' }) },
      { key: 'default:acme', value: eventOf('acme', 'e-2', { receivedAt: '2001-01-01T00:00:00.000Z' }) },
      {
        key: 'default:acme',
        value: eventOf('acme', 'e-3', { occurredAt: late, receivedAt: late }),
        headers: { 'signed-at': `${late}.AAAAAAAAAAAAAAAAAAAAAA` },
      },
      {
        key: 'default:other',
        value: JSON.stringify({ tenantId: 'default', accountId: 'other', dueAt: late }),
        headers: { kind: 'evaluate' },
      },
      { key: 'default:acme', value: eventOf('acme', 'e-4') },
    ])
    const events = async () =>
      (await api.status('/v1/accounts/acme')) === 200
        ? (await api.get<{ items: readonly Event[] }>('/v1/accounts/acme/events')).items
        : []
    await eventually('all are counted', async () => (await events()).length === 4, 30_000)
    for (const { id, receivedAt } of await events()) {
      expect(Date.parse(receivedAt), id).toBeGreaterThan(from - 5_000)
      expect(Date.parse(receivedAt), id).toBeLessThan(from + HOUR_MS)
    }
    await eventually('the command is counted as left out', async () =>
      /left_out_total\{reason="unsigned_command"\} [1-9]/.test(await platform.metrics.metrics()),
    )
    expect(await api.status('/v1/accounts/other')).toBe(404)
  })
})
