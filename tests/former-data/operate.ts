import { DAY_MS } from '#libs/runtime/durations.ts'
import { eventually } from '../support/eventually.ts'
import { type Answer, type Api, bodyOf } from './api.ts'
import { createNewLife, createPortfolio, type SampleEvent } from './portfolio.ts'

export type Replay = { readonly path: string; readonly body: object; readonly key: string; readonly answer: Answer }

export type Operated = {
  /** Requests under an `Idempotency-Key`: sent again they get the same answer. */
  readonly replays: readonly Replay[]
  /** A key of the second tenant. */
  readonly secondKey: string
  /** An endpoint, and the secret that its deliveries are signed with. */
  readonly endpoint: { readonly id: string; readonly secret: string }
}

const PER_REQUEST = 200

export const sendEvents = async (api: Api, events: readonly SampleEvent[]): Promise<void> => {
  for (let from = 0; from < events.length; from += PER_REQUEST) {
    const body = { events: events.slice(from, from + PER_REQUEST) }
    const { rejected } = await bodyOf<{ rejected: number }>(api.send('POST', '/v1/events', body))
    if (rejected > 0) throw new Error(`${rejected} events of the sample are not valid`)
  }
}

/** Ids of the events that are counted for an account. */
export const countedIds = async (api: Api, accountId: string): Promise<string[]> => {
  const ids: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const { status, body } = await api.get(`/v1/accounts/${accountId}/events?limit=500${cursor && `&cursor=${cursor}`}`)
    if (status !== 200) return ids
    const page = body as { items: { id: string }[]; nextCursor: string | null }
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.nextCursor
  }
  return ids
}

/** Waits until each account shows these events. */
export const waitForEvents = async (api: Api, events: readonly SampleEvent[]): Promise<void> => {
  for (const accountId of new Set(events.map((event) => event.accountId))) {
    const wanted = events.filter((event) => event.accountId === accountId && event.type !== 'Source Heartbeat')
    await eventually(
      `${accountId} has counted ${wanted.length} events`,
      async () => {
        const counted = new Set(await countedIds(api, accountId))
        return wanted.every(({ id }) => counted.has(id))
      },
      60_000,
    )
  }
}

export const countEvents = async (api: Api, events: readonly SampleEvent[]): Promise<void> => {
  await sendEvents(api, events)
  await waitForEvents(api, events)
}

/** What clients of other makers send. */
const sendForeignFormats = async (api: Api, nowMs: number): Promise<void> => {
  const at = (minutesAgo: number): string => new Date(nowMs - minutesAgo * 60_000).toISOString()
  const cloud = { specversion: '1.0', source: '/shop', type: 'Feature Used', subject: 'oscorp', userid: 'o-1' }
  await bodyOf(
    api.send(
      'POST',
      '/v1/events',
      { ...cloud, id: 'cloud-1', time: at(50), data: { feature: 'reports' } },
      { type: 'application/cloudevents+json' },
    ),
  )
  const context = { groupId: 'oscorp' }
  await bodyOf(
    api.send('POST', '/v1/batch', {
      batch: [
        { type: 'track', messageId: 's-1', userId: 'o-2', event: 'Signed In', timestamp: at(40), context },
        {
          type: 'group',
          messageId: 's-2',
          groupId: 'oscorp',
          traits: { seats: 12, name: 'Oscorp' },
          timestamp: at(39),
        },
      ],
    }),
  )
}

/** A model for a segment, and a second version of the default one that expects a source. */
const publishModels = async (api: Api): Promise<void> => {
  const shipped = await bodyOf<Record<string, unknown>>(api.get('/v1/models/default/versions/1'))
  const { version: _, ...document } = shipped
  const segment = { priority: 10, when: { trait: 'plan', op: '==', value: 'enterprise' } }
  const bands = { healthy: 80, watch: 55, atRisk: 30, recoveryMargin: 8, insufficientBelow: 0.3 }
  const sources = { crm: { groups: ['relationship'], expectedIntervalHours: 24 } }
  for (const model of [
    { ...document, id: 'enterprise', name: 'Enterprise', segment, bands, coreFeatures: ['reports'] },
    { ...document, sources },
  ]) {
    const { modelId, version } = await bodyOf<{ modelId: string; version: number }>(
      api.send('POST', '/v1/models', model),
    )
    await bodyOf(api.send('POST', `/v1/models/${modelId}/versions/${version}/publish`))
  }
  await bodyOf(api.send('POST', '/v1/models', { ...document, name: 'A draft' }))
}

const RULE = {
  id: 'many_open_tickets',
  kind: 'hard_signal',
  description: 'More than one urgent ticket is open',
  severity: 'critical',
  when: { all: [{ fact: 'openUrgentTickets', op: '>=', value: 2 }] },
  recovers: { fact: 'openUrgentTickets', op: '==', value: 0 },
  filter: { stages: ['onboarding', 'adoption', 'renewal'] },
}

const makeRules = async (api: Api): Promise<void> => {
  await bodyOf(api.send('POST', '/v1/rules', RULE))
  const shipped = await bodyOf<Record<string, unknown>>(api.get('/v1/rules/detractor_received'))
  const { origin: _, ...detractor } = shipped
  await bodyOf(api.send('PUT', '/v1/rules/detractor_received', { ...detractor, severity: 'critical' }))
  const { origin: __, ...drop } = await bodyOf<Record<string, unknown>>(api.get('/v1/rules/drop_15_in_28d'))
  await bodyOf(api.send('PUT', '/v1/rules/drop_15_in_28d', { ...drop, enabled: false }))
}

/** One that takes everything, one in Slack's format, one that always fails. */
const makeEndpoints = async (api: Api, receiverUrl: string): Promise<Operated['endpoint']> => {
  const make = (body: object) => bodyOf<{ id: string; secret: string }>(api.send('POST', '/v1/webhook-endpoints', body))
  const all = await make({ url: `${receiverUrl}/all`, description: 'takes everything' })
  await make({ url: `${receiverUrl}/slack`, kind: 'slack', eventTypes: ['alert.firing'] })
  await make({ url: `${receiverUrl}/fails`, eventTypes: ['alert.firing'], filter: { severity: ['critical'] } })
  return { id: all.id, secret: all.secret }
}

type Alert = { readonly id: string; readonly accountId: string | null; readonly ruleId: string; readonly state: string }

const alertOf = async (api: Api, accountId: string, ruleId: string): Promise<string> => {
  let found: Alert | undefined
  await eventually(
    `${ruleId} fires for ${accountId}`,
    async () => {
      const { items } = await bodyOf<{ items: Alert[] }>(api.get(`/v1/alerts?accountId=${accountId}&ruleId=${ruleId}`))
      found = items[0]
      return found !== undefined
    },
    30_000,
  )
  return found!.id
}

const actOnAlerts = async (api: Api, nowMs: number): Promise<void> => {
  const act = async (accountId: string, ruleId: string, action: string, body?: object): Promise<void> => {
    const id = await alertOf(api, accountId, ruleId)
    await bodyOf(api.send('POST', `/v1/alerts/${id}/${action}`, body))
  }
  await act('initech', 'cancel_scheduled', 'acknowledge')
  await act('initech', 'payment_failed', 'snooze', { until: new Date(nowMs + 30 * DAY_MS).toISOString() })
  await act('stark', 'many_open_tickets', 'resolve')
}

/**
 * What people do: each thing that leaves a trace. The same to every Pulso; `receiverUrl` answers
 * webhooks.
 */
export const operate = async (api: Api, nowMs: number, receiverUrl: string): Promise<Operated> => {
  const later = (days: number): string => new Date(nowMs + days * DAY_MS).toISOString()
  const endpoint = await makeEndpoints(api, receiverUrl)
  await makeRules(api)
  await countEvents(api, createPortfolio(nowMs))
  await sendForeignFormats(api, nowMs)
  await publishModels(api)
  await actOnAlerts(api, nowMs)

  const override = { score: 40, reason: 'The sponsor told us they are leaving', expiresAt: later(60) }
  await bodyOf(api.send('PUT', '/v1/accounts/wonka/override', override))
  await bodyOf(api.send('POST', '/v1/accounts/vandelay/journey/bypass', { reason: 'Migrated by our own team' }))
  await bodyOf(api.send('DELETE', '/v1/accounts/soylent'))
  await countEvents(api, createNewLife(Date.now()))
  await bodyOf(api.send('DELETE', '/v1/accounts/tyrell/users/tyrell-u1'))
  const policy = {
    grouping: { window: '6h', severities: ['info'] },
    escalation: { after: '6h', severities: ['critical'], severity: 'critical', endpointIds: [endpoint.id] },
    digest: { timeZone: 'Europe/Berlin', at: '08:00', days: ['mon'] },
  }
  await bodyOf(api.send('PUT', '/v1/notification-policy', policy))

  const replays: Replay[] = []
  const replayed = async (path: string, body: object): Promise<Answer> => {
    const key = `sample-${replays.length}`
    const answer = await api.send('POST', path, body, { idempotencyKey: key })
    if (answer.status !== 201) throw new Error(`POST ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    replays.push({ path, body, key, answer })
    return answer
  }
  const silence = { matcher: { ruleId: 'silence' }, startsAt: later(1), endsAt: later(400), comment: 'Holidays' }
  await replayed('/v1/silences', silence)
  await replayed('/v1/keys', { name: 'billing', scopes: ['ingest', 'read'] })
  const tenant = await replayed('/v1/tenants', { id: 'second', name: 'The second tenant' })
  const secondKey = (tenant.body as { key: string }).key
  await countEvents(
    api.as(secondKey),
    createPortfolio(nowMs).filter(({ accountId }) => accountId === 'globex'),
  )
  return { replays, secondKey, endpoint }
}
