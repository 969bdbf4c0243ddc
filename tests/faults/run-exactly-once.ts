import { setTimeout as pause } from 'node:timers/promises'
import { startWebhookReceiver } from '../support/webhooks/webhook-receiver.ts'
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
import { checkPublished } from './check-published.ts'
import type { Deployment } from './deployment.ts'
import { createFaults } from './faults.ts'
import { createSender, type Sender } from './send-events.ts'
import { startPeople } from './start-people.ts'
import { narrateStory, type Story, type StoryEvent } from './story.ts'
import type { Victim } from './victims/victim.ts'
import { counted, settledAlerts } from './wait-for-rest.ts'

export type Plan = {
  readonly events: number
  readonly accounts: number
  readonly scoringKills: number
  readonly brokerKills: number
  readonly seed: number
  /** Struck in this order, spread among the kills. */
  readonly victims?: readonly Victim[]
  /** Instead of kills at random moments: one at each of these. */
  readonly failpoints?: readonly string[]
}

export type Outcome = {
  /** Everything that is not as it must be, in words; empty is what is wanted. */
  readonly wrong: readonly string[]
  readonly seen: Readonly<Record<string, number>>
}

/** Every seventh call to the receiver is refused: it must come again. */
const REFUSED_CALL = 7
/**
 * A member that died in the end is missed by its broker after 10 s; until then nobody reads what it
 * read.
 */
const GROUP_SETTLES_MS = 20_000
/** Between two requests of a lane while processes die at failpoints. */
const PACE_MS = 500

/**
 * Streams a story into a Pulso that is killed again and again, waits until it is quiet, and holds
 * what it shows against what was acknowledged.
 */
export const runExactlyOnce = async (deployment: Deployment, plan: Plan): Promise<Outcome> => {
  const { addresses, key } = deployment
  const story = narrateStory({ ...plan, now: Date.now() })
  const receiver = await startWebhookReceiver((_, count) => ({ status: count % REFUSED_CALL === 0 ? 500 : 204 }))
  try {
    receiver.setSecret(await registerEndpoint(deployment, receiver.url))
    const faults = createFaults(deployment, plan, receiver)
    const waitFor = plan.failpoints ? paced : faults.reached
    const sender = createSender({ url: addresses.ingest, key, seed: plan.seed, waitFor })
    const [signsOfLife, mass, ...later] = story.acts
    // The first act and the later ones are small; faults belong to the mass.
    faults.hold()
    await sender.send(signsOfLife!)
    await faults.warmUp()
    const hurting = plan.failpoints ? dieAtFailpoints(deployment, plan.failpoints) : faults.run()
    const sending = sender.send(mass!)
    // Whatever fails, nothing is started any more when this ends.
    const missed = await hurting.finally(() => sending.catch(() => {}))
    await sending
    const reader = createApiReader(key)
    let isCounted = await counted(reader, addresses.scoring, sender)
    for (const act of later) {
      await sender.send(act)
      // What does not count does not count by waiting once more.
      if (isCounted) isCounted = await counted(reader, addresses.scoring, sender)
    }
    const told = (): number =>
      new Set(receiver.received.flatMap(({ id, body }) => (body.includes('"alert.firing"') ? id : []))).size
    const alerts = await settledAlerts(
      reader,
      addresses.alerting,
      told,
      plan.failpoints || plan.victims?.length ? GROUP_SETTLES_MS : 2_000,
    )
    const rewound = plan.victims?.some(({ rewinds }) => rewinds) ?? false
    const wrong = [...faults.wrong, ...(await checkAll({ reader, deployment, story, sender, alerts, rewound }))]
    wrong.push(...checkPublished((await deployment.published?.()) ?? []))
    if (missed && missed.length > 0) wrong.push(`not reached: ${missed.join(', ')}`)
    wrong.push(...checkWebhooks(receiver.received, alerts))
    const { requests, retried, refused } = sender.counts
    wrong.push(...refused.map((refusal) => `refused: ${refusal}`))
    const calls = receiver.received.length
    return {
      wrong,
      seen: {
        events: plan.events,
        failpoints: plan.failpoints?.length ?? 0,
        requests,
        retried,
        ...faults.seen,
        alerts: alerts.length,
        webhooks: told(),
        calls,
      },
    }
  } finally {
    await receiver.stop()
  }
}

/** So that there is something under way for as long as processes die. */
const paced = (): Promise<void> => pause(PACE_MS)

const dieAtFailpoints = async (deployment: Deployment, failpoints: readonly string[]): Promise<readonly string[]> => {
  const stopPeople = startPeople(deployment)
  try {
    return await deployment.dieAtEach(failpoints)
  } finally {
    await stopPeople()
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

type Shown = {
  readonly reader: ApiReader
  readonly deployment: Deployment
  readonly story: Story
  readonly sender: Sender
  readonly alerts: readonly ShownAlert[]
  readonly rewound: boolean
}

const checkAll = async ({ reader, deployment, story, sender, alerts, rewound }: Shown): Promise<string[]> => {
  const { addresses } = deployment
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
        : [...checkCounters(health, distinct), ...checkChanges(changes, health, rewound)]),
      ...checkAlertsOfAccount(kind, own, changes, rewound),
    ]
    wrong.push(...found.map((problem) => `${accountId} (${kind}): ${problem}`))
  }
  return wrong
}
