import { setTimeout as pause } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
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
import type { Deployment } from './deployment.ts'
import { createSender, type Sender } from './send-events.ts'
import { startPeople } from './start-people.ts'
import { createRandom, narrateStory, type Story, type StoryEvent } from './story.ts'
import { counted, settledAlerts } from './wait-for-rest.ts'

export type Plan = {
  readonly events: number
  readonly accounts: number
  readonly scoringKills: number
  readonly brokerKills: number
  readonly seed: number
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
const SETTLE_MS = 120_000
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
    const faults = createFaults(deployment, plan)
    const waitFor = plan.failpoints ? paced : faults.reached
    const sender = createSender({ url: addresses.ingest, key, seed: plan.seed, waitFor })
    const [signsOfLife, mass, ...later] = story.acts
    // The first act and the later ones are small; faults belong to the mass.
    faults.hold()
    await sender.send(signsOfLife!)
    const hurting = plan.failpoints ? dieAtFailpoints(deployment, plan.failpoints) : faults.run()
    const sending = sender.send(mass!)
    // Whatever fails, nothing is started any more when this ends.
    const missed = await hurting.finally(() => sending.catch(() => {}))
    await sending
    const reader = createApiReader(key)
    for (const act of later) {
      await counted(reader, addresses.scoring, sender)
      await sender.send(act)
    }
    await counted(reader, addresses.scoring, sender)
    const told = (): number =>
      new Set(receiver.received.flatMap(({ id, body }) => (body.includes('"alert.firing"') ? id : []))).size
    const alerts = await settledAlerts(reader, addresses.alerting, told, plan.failpoints ? GROUP_SETTLES_MS : 2_000)
    const wrong = await checkAll(reader, deployment, story, sender, alerts)
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
        ...faults.done,
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

/**
 * Kills at random moments, spread over the mass: the sender goes on past a share of it only when
 * the kills of that share are done.
 */
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
