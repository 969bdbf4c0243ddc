import { eventually } from '../support/eventually.ts'
import { startWebhookReceiver } from '../support/webhook-receiver.ts'
import { type ApiReader, createApiReader } from './api-reader.ts'
import {
  checkChanges,
  checkCounters,
  checkTimeline,
  type ShownChange,
  type ShownEvent,
  type ShownHealth,
} from './check-account.ts'
import { checkAlertsOfAccount, checkWebhooks, type ShownAlert } from './check-alerts.ts'
import type { Deployment } from './deployment.ts'
import { createSender, type Sender } from './send-events.ts'
import { createRandom, type Story, type StoryEvent, tellStory } from './story.ts'

export type Plan = {
  readonly events: number
  readonly accounts: number
  readonly scoringKills: number
  readonly brokerKills: number
  readonly seed: number
}

export type Outcome = {
  /** Everything that is not as it must be, in words; empty is what is wanted. */
  readonly wrong: readonly string[]
  readonly seen: Readonly<Record<string, number>>
}

/** Every seventh call to the receiver is refused: it must come again. */
const REFUSED_CALL = 7
const SETTLE_MS = 120_000

/** Streams a story into a Pulso that is killed again and again, waits until it is quiet, and holds what it shows against what was acknowledged. */
export const runExactlyOnce = async (deployment: Deployment, plan: Plan): Promise<Outcome> => {
  const { addresses, key } = deployment
  const story = tellStory({ ...plan, now: Date.now() })
  const receiver = await startWebhookReceiver((_, count) => ({ status: count % REFUSED_CALL === 0 ? 500 : 204 }))
  try {
    receiver.setSecret(await registerEndpoint(deployment, receiver.url))
    const faults = createFaults(deployment, plan)
    const sender = createSender({ url: addresses.ingest, key, seed: plan.seed, waitFor: faults.reached })
    const [signsOfLife, mass, ...later] = story.acts
    // The first act and the later ones are small; faults belong to the mass.
    faults.hold()
    await sender.send(signsOfLife!)
    const hurting = faults.run()
    await Promise.all([sender.send(mass!), hurting])
    const reader = createApiReader(key)
    for (const act of later) {
      await counted(reader, addresses.scoring, sender)
      await sender.send(act)
    }
    await counted(reader, addresses.scoring, sender)
    const told = (): number =>
      new Set(receiver.received.flatMap(({ id, body }) => (body.includes('"alert.firing"') ? id : []))).size
    const alerts = await settledAlerts(reader, addresses.alerting, told)
    const wrong = await checkAll(reader, deployment, story, sender, alerts)
    wrong.push(...checkWebhooks(receiver.received, alerts))
    const { requests, retried, refused } = sender.counts
    wrong.push(...refused.map((refusal) => `refused: ${refusal}`))
    const calls = receiver.received.length
    return {
      wrong,
      seen: { events: plan.events, requests, retried, ...faults.done, alerts: alerts.length, webhooks: told(), calls },
    }
  } finally {
    await receiver.stop()
  }
}

const registerEndpoint = async ({ addresses, key }: Deployment, url: string): Promise<string> => {
  const answer = await fetch(`${addresses.alerting}/v1/webhook-endpoints`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ url, eventTypes: ['alert.firing', 'alert.resolved'] }),
  })
  if (answer.status !== 201) throw new Error(`no endpoint: ${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as { secret: string }).secret
}

/** Kills at random moments, spread over the mass: the sender goes on past a share of it only when the kills of that share are done. */
const createFaults = ({ killScoring, killAlerting, killBroker }: Deployment, plan: Plan) => {
  const random = createRandom(plan.seed + 1)
  const done = { scoringKills: 0, alertingKills: 0, brokerKills: 0 }
  let held = false
  return {
    done,
    hold: () => {
      held = true
    },
    /** Resolves as soon as that share of the mass may be sent. */
    reached: async (share: number): Promise<void> => {
      if (held) return
      const limit = () => (done.scoringKills + 1) / (plan.scoringKills + 1)
      await eventually(`the fault before ${Math.round(share * 100)} % of the events`, () => share <= limit(), SETTLE_MS)
    },
    run: async (): Promise<void> => {
      held = false
      for (let i = 0; i < plan.scoringKills; i++) {
        const brokerToo = killBroker !== undefined && done.brokerKills < plan.brokerKills && i % 3 === 2
        const alertingToo = killAlerting !== undefined && i % 3 === 1
        await Promise.all([
          // Every second time at once: between what was written and what was told of it.
          killScoring(i % 2 === 0 ? 0 : random() * 400),
          ...(brokerToo ? [killBroker()] : []),
          ...(alertingToo ? [killAlerting()] : []),
        ])
        done.scoringKills++
        if (brokerToo) done.brokerKills++
        if (alertingToo) done.alertingKills++
      }
    },
  }
}

/** Waits until every account shows as many events as were acknowledged for it; what it shows is checked later, once. */
const counted = async (reader: ApiReader, scoring: string, sender: Sender): Promise<void> => {
  const waiting = new Map([...sender.acknowledged].map(([accountId, ids]) => [accountId, ids.size]))
  await eventually(
    'every acknowledged event is counted',
    async () => {
      for (const [accountId, count] of waiting) {
        const events = await reader.all<ShownEvent>(`${scoring}/v1/accounts/${accountId}/events`).catch(() => [])
        if (events.length < count) return false
        waiting.delete(accountId)
      }
      return true
    },
    SETTLE_MS,
  ).catch((error: Error) => {
    // Left to the checker, which says what is missing.
    process.stderr.write(`${error.message}; ${waiting.size} accounts wait\n`)
  })
}

/** A delivery whose process was killed amid the call is free again when its lease of 60 s ends. */
const LEASE_ENDS_MS = 75_000

/** The alerts, once nothing new has come for two seconds: neither an alert nor a webhook, and every alert that was told has arrived. */
const settledAlerts = async (reader: ApiReader, alerting: string, told: () => number): Promise<ShownAlert[]> => {
  let alerts: ShownAlert[] = []
  let before = ''
  let since = performance.now()
  await eventually(
    'alerting comes to rest',
    async () => {
      alerts = await reader.all<ShownAlert>(`${alerting}/v1/alerts`)
      const toTell = alerts.filter((alert) => alert.told).length
      const now = `${alerts.map((alert) => alert.state).join()} ${told()}`
      if (now !== before) since = performance.now()
      before = now
      const quietForMs = performance.now() - since
      return quietForMs > (told() < toTell ? LEASE_ENDS_MS : 2_000)
    },
    SETTLE_MS,
  )
  return alerts
}

const checkAll = async (
  reader: ApiReader,
  { addresses }: Deployment,
  story: Story,
  sender: Sender,
  alerts: readonly ShownAlert[],
): Promise<string[]> => {
  const sent = new Map<string, Map<string, StoryEvent>>()
  for (const event of story.acts.flat()) {
    const events = sent.get(event.accountId) ?? new Map<string, StoryEvent>()
    sent.set(event.accountId, events.set(`${event.source}/${event.id}`, event))
  }
  const wrong: string[] = []
  for (const [accountId, kind] of story.kindOf) {
    const url = `${addresses.scoring}/v1/accounts/${accountId}`
    const acknowledged = sender.acknowledged.get(accountId) ?? new Set()
    const distinct = [...acknowledged].map((id) => sent.get(accountId)!.get(id)!)
    const events = await reader.all<ShownEvent>(`${url}/events`)
    const changes = (await reader.all<ShownChange>(`${url}/changes`)).reverse()
    const health = await reader.get<ShownHealth>(`${url}/health`)
    const own = alerts.filter((alert) => alert.accountId === accountId)
    const found = [
      ...(acknowledged.size === sent.get(accountId)!.size ? [] : ['not every event was acknowledged']),
      ...checkTimeline(events, acknowledged),
      ...(health === undefined
        ? ['has no health']
        : [...checkCounters(health, distinct), ...checkChanges(changes, health)]),
      ...checkAlertsOfAccount(kind, own, changes),
    ]
    wrong.push(...found.map((problem) => `${accountId} (${kind}): ${problem}`))
  }
  return wrong
}
