import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Sealer } from '#libs/access/seal-secret.ts'
import { type Clock, toInstant } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { classifyResponse, type SendResult } from '../core/delivery/classify-response.ts'
import { decideDelivery, type EndpointDecision } from '../core/delivery/decide-delivery.ts'
import type { DeliverySchedule } from '../core/delivery/retry-schedule.ts'
import { signWebhook } from '../core/delivery/sign-webhook.ts'
import type { SendWebhook } from '../endpoints/http-sender.ts'
import type { UrlSeal } from '../endpoints/sealed-url.ts'
import type { DeliveryUpdate } from './attempt-store.ts'
import type { ClaimedDelivery, DeliveryTarget } from './claim-store.ts'

/** A claimed delivery with everything that an attempt needs. */
export type Job = {
  readonly delivery: ClaimedDelivery
  readonly target: DeliveryTarget
  /** Of the lease. */
  readonly token: string
  /** A call that starts later could outlast the lease. */
  readonly startBefore: number
}

export type AttemptOutcome = {
  readonly update: DeliveryUpdate
  readonly effect: EndpointDecision
  readonly target: DeliveryTarget
  readonly result: SendResult
}

type AttemptDeps = {
  readonly clock: Clock
  readonly send: SendWebhook
  readonly sealer: Sealer
  readonly urls: UrlSeal
  readonly schedule: DeliverySchedule
  readonly random: () => number
}

/** One attempt: signs the stored bytes, posts them, decides by the response. Never throws. */
export const createAttempt = (deps: AttemptDeps): ((job: Job) => Promise<AttemptOutcome>) => {
  const { clock, send, schedule, random } = deps
  const open = createOpener(deps)
  return async ({ delivery, target, token }) => {
    const startedAt = clock.now()
    const { url, secrets } = open(target)
    const headers = signedHeaders(delivery, target, secrets, startedAt)
    failpoint('alerting.send.before')
    const result: SendResult =
      url && headers
        ? await send({ url, headers, body: delivery.body })
        : { kind: 'failed', reason: url ? 'secret_unreadable' : 'url_unreadable', latencyMs: 0 }
    failpoint('alerting.send.after')
    const now = clock.now()
    const { delivery: next, effect } = decideDelivery({
      verdict: classifyResponse(result, now),
      tries: delivery.tries + 1,
      failingSince: target.failingSince,
      schedule,
      now,
      random: random(),
    })
    const update: DeliveryUpdate = {
      deliveryId: delivery.deliveryId,
      token,
      state: next.state,
      reason: next.state === 'delivered' ? null : next.reason,
      nextAttemptAt: next.state === 'pending' ? next.nextAttemptAt : null,
      at: now,
      attempt: {
        at: toInstant(startedAt),
        outcome: result.kind === 'failed' ? result.reason : next.state === 'delivered' ? 'delivered' : 'refused',
        status: result.kind === 'answered' ? result.status : null,
        latencyMs: result.latencyMs,
        answer: result.kind === 'answered' ? result.answer : null,
      },
    }
    return { update, effect, target, result }
  }
}

/** What no known key opens is undefined, or not among the secrets. */
type Opened = { readonly url: string | undefined; readonly secrets: readonly KeyObject[] }

/** Opens URL and secrets of an endpoint once for all deliveries of a claim. */
const createOpener = ({ sealer, urls }: Pick<AttemptDeps, 'sealer' | 'urls'>): ((target: DeliveryTarget) => Opened) => {
  const known = new WeakMap<DeliveryTarget, Opened>()
  return (target) => {
    const { endpointId } = target
    let opened = known.get(target)
    if (!opened) {
      const secrets = target.secrets.flatMap((sealed) => {
        const secret = sealer.open(sealed, endpointId)
        return secret ? [createSecretKey(secret)] : []
      })
      opened = { url: urls.open(target, endpointId), secrets }
      known.set(target, opened)
    }
    return opened
  }
}

/** Undefined when no secret of the endpoint can be opened. Slack's format has no signature. */
const signedHeaders = (
  { deliveryId, body }: ClaimedDelivery,
  { kind }: DeliveryTarget,
  secrets: readonly KeyObject[],
  at: number,
): Record<string, string> | undefined => {
  if (kind === 'slack') return {}
  return secrets.length === 0 ? undefined : signWebhook({ webhookId: deliveryId, body, at, secrets })
}
