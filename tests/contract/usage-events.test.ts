import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createAcceptEvents } from '../../services/ingest/acceptance/accept-events.ts'
import { createCheckItem } from '../../services/ingest/acceptance/check-item.ts'
import { createRecentlyAccepted } from '../../services/ingest/acceptance/recently-accepted.ts'
import { createIngestMetrics } from '../../services/ingest/metrics.ts'
import { readRecord } from '../../services/scoring/core/events/parse-event.ts'
import { createRecordingBus } from '../support/bus/recording-bus.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { testSigner } from '../support/scoring/usage-signer.ts'

const NOW = Date.UTC(2026, 10, 22, 10)
const DAY_MS = 86_400_000
const RETENTION_DAYS = 800
const BYTES = 64 * 1024

const principal = {
  tenantId: 'default',
  keyId: 'k',
  name: '😀'.repeat(200),
  scopes: ['ingest' as const],
  operator: false,
}
const offer = async (event: unknown, sentAt?: number) => {
  const bus = createRecordingBus()
  const clock = createManualClock(NOW)
  const accept = createAcceptEvents({
    bus,
    clock,
    metrics: createIngestMetrics(createMetrics(), clock),
    recentlyAccepted: createRecentlyAccepted(0),
    checkItem: createCheckItem({ retentionDays: RETENTION_DAYS }),
    signer: testSigner,
  })
  const { accepted, results } = await accept({ items: [{ event, pointer: '' }], principal, sentAt })
  const reads = bus.published.map(({ record }) =>
    readRecord(
      { key: record.key, value: record.value as Buffer, headers: record.headers ?? {}, timestampMs: NOW + DAY_MS },
      { retentionDays: RETENTION_DAYS, verify: testSigner.verify },
    ),
  )
  return { accepted, results, reads }
}

const lettered = (min: number, max: number) =>
  fc
    .tuple(fc.constantFrom('x', 'é', '😀', '"', '\u0001'), fc.integer({ min, max }))
    .map(([letter, length]) => letter.repeat(length))
const name = fc.oneof(fc.string({ minLength: 1, maxLength: 5, unit: 'grapheme' }), lettered(120, 258))
const instant = fc
  .tuple(fc.constantFrom(-5 / 1440, 0, 1, 32, 400, RETENTION_DAYS), fc.integer({ min: -2, max: 2 }))
  .map(([days, ms]) => new Date(NOW - days * DAY_MS + ms).toISOString())
const properties = fc.oneof(
  fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 4 }),
  fc.integer({ min: BYTES - 2_000, max: BYTES + 100 }).map((length) => ({ text: 'x'.repeat(length) })),
  fc.integer({ min: 3_000, max: 3_200 }).map((length) => ({ grows: Array(length).fill(1e20) })),
  fc.integer({ min: 10, max: 18 }).map((depth) => JSON.parse(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)),
  fc.integer({ min: 199, max: 201 }).map((keys) => Object.fromEntries(Array.from({ length: keys }, (_, i) => [i, i]))),
)
const anyEvent = fc.record(
  {
    id: fc.oneof(name, lettered(60, 130)),
    type: name,
    accountId: name,
    occurredAt: instant,
    source: name,
    userId: fc.option(name),
    properties,
    mode: fc.constantFrom('live', 'backfill'),
  },
  { requiredKeys: ['id', 'type', 'accountId', 'occurredAt'] },
)

describe('an event and its reader', () => {
  it('what is accepted at the door is read behind it, however near it is to a limit', async () => {
    let accepted = 0
    let refused = 0
    const skewMs = fc.option(fc.integer({ min: -120_000, max: 120_000 }))
    await fc.assert(
      fc.asyncProperty(anyEvent, skewMs, async (event, skew) => {
        const answer = await offer(event, skew === null ? undefined : NOW + skew)
        if (answer.accepted === 1) accepted += 1
        else refused += 1
        expect(answer.reads.map((read) => (read.kind === 'unreadable' ? read.reason : read.kind))).toEqual(
          answer.accepted === 1 ? ['event'] : [],
        )
      }),
      { numRuns: 2_000 },
    )
    expect(accepted).toBeGreaterThan(200)
    expect(refused).toBeGreaterThan(200)
  })
  it('64 KB are counted on the event as it was sent, to the byte', async () => {
    const sized = (bytes: number) => {
      const event = { id: 'e', type: 'Feature Used', accountId: 'acme', occurredAt: new Date(NOW).toISOString() }
      const frame = JSON.stringify({ ...event, properties: { a: '' } }).length
      return { ...event, properties: { a: 'x'.repeat(bytes - frame) } }
    }
    expect((await offer(sized(BYTES))).reads).toMatchObject([{ kind: 'event' }])
    expect((await offer(sized(BYTES + 1))).results).toMatchObject([
      { status: 'rejected', problem: { errors: [{ pointer: '', code: 'event_too_large' }] } },
    ])
  })
})
