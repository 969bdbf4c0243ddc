import { setTimeout as pause } from 'node:timers/promises'
import { newId } from '#libs/runtime/ids.ts'
import { eventually } from '../support/eventually.ts'
import type { WebhookReceiver } from '../support/webhooks/webhook-receiver.ts'
import type { Deployment } from './deployment.ts'
import type { Plan } from './run-exactly-once.ts'
import { createRandom } from './story.ts'
import type { Target, Victim } from './victims/victim.ts'

/** No fault with its mending takes longer. */
const FAULT_MS = 300_000
/** Between two requests of a slot while a victim is struck: there is always something under way. */
const PACE_MS = 500
const CANARY_MS = 15_000
const FIRST_MS = 60_000

/** An event that makes an alert of an account of its own, until its webhook has come. */
const createCanary =
  ({ addresses, key }: Deployment, receiver: WebhookReceiver) =>
  async (withinMs: number): Promise<readonly string[]> => {
    const id = `canary-${newId()}`
    const event = { id, type: 'Payment Failed', accountId: id, occurredAt: new Date().toISOString() }
    const post = () =>
      fetch(`${addresses.ingest}/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify(event),
        signal: AbortSignal.timeout(CANARY_MS),
      })
    let isAccepted = false
    const cameThrough = async (): Promise<boolean> => {
      isAccepted ||= await post().then(
        ({ status }) => status === 202,
        () => false,
      )
      return receiver.received.some(({ body }) => body.includes(id) && body.includes('"alert.firing"'))
    }
    return eventually(`the webhook of ${id}`, cameThrough, withinMs).then(
      () => [],
      () => [
        `an event ${isAccepted ? 'that was accepted' : 'that was not accepted'} led to no webhook in ${withinMs} ms`,
      ],
    )
  }

/**
 * Kills at random moments and victims in their order, spread over the mass: the sender goes on past
 * a share of it only when the faults of that share are done.
 */
export const createFaults = (deployment: Deployment, plan: Plan, receiver: WebhookReceiver) => {
  const { killScoring, killAlerting, killBroker } = deployment
  const random = createRandom(plan.seed + 1)
  const seen: Record<string, number> = { scoringKills: 0, alertingKills: 0, brokerKills: 0 }
  const wrong: string[] = []
  const goesOn = createCanary(deployment, receiver)
  let held = false
  let done = 0
  /** Parts of a fault's share: before the strike, when it says so, and from then on. */
  let phase: 1 | 2 | 3 = 3
  let isPaced = false

  const kill = async (i: number): Promise<void> => {
    const brokerToo = killBroker !== undefined && seen.brokerKills! < plan.brokerKills && i % 3 === 2
    const alertingToo = killAlerting !== undefined && i % 3 === 1
    await Promise.all([
      // Every second time at once: between what was written and what was told of it.
      killScoring(i % 2 === 0 ? 0 : random() * 400),
      ...(brokerToo ? [killBroker()] : []),
      ...(alertingToo ? [killAlerting()] : []),
    ])
    seen.scoringKills!++
    if (brokerToo) seen.brokerKills!++
    if (alertingToo) seen.alertingKills!++
  }

  const target: Target = {
    ...deployment,
    goesOn,
    stream: async (durationMs) => {
      phase = 2
      await pause(durationMs)
    },
  }
  const strike = async (victim: Victim): Promise<void> => {
    phase = 1
    isPaced = true
    const startedAt = performance.now()
    const mend = await victim.strike(target)
    phase = 3
    await pause(victim.lastsMs)
    const found = [...(await mend())]
    const mendedAt = performance.now()
    found.push(...(await goesOn(victim.goesOnWithinMs)))
    wrong.push(...found.map((problem) => `${victim.name}: ${problem}`))
    seen[`${victim.name} s`] = Math.round((mendedAt - startedAt) / 1_000)
    seen[`${victim.name}, goes on after s`] = Math.round((performance.now() - mendedAt) / 1_000)
    isPaced = false
  }

  const { victims = [] } = plan
  const kills = Array.from({ length: plan.scoringKills }, (_, i) => ({ at: (i + 0.5) / plan.scoringKills, i }))
  const strikes = victims.map((victim, i) => ({ at: (i + 0.5) / victims.length, victim }))
  const steps = [...kills, ...strikes].sort((a, b) => a.at - b.at)
  return {
    seen,
    wrong,
    hold: () => {
      held = true
    },
    /** A copy made before all groups were at work says nothing of their positions. */
    warmUp: async (): Promise<void> => {
      if (victims.length > 0) wrong.push(...(await goesOn(FIRST_MS)))
    },
    /** Resolves as soon as that share of the mass may be sent. */
    reached: async (share: number): Promise<void> => {
      if (held) return
      if (isPaced) await pause(PACE_MS)
      const limit = () => (done + phase / 3) / (steps.length + 1)
      await eventually(`the fault before ${Math.round(share * 100)} % of the events`, () => share <= limit(), FAULT_MS)
    },
    run: async (): Promise<void> => {
      held = false
      for (const step of steps) {
        await ('victim' in step ? strike(step.victim) : kill(step.i))
        done++
      }
    },
  }
}
