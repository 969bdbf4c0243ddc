import { createSecretKey, type KeyObject } from 'node:crypto'
import type { Sealer } from '#libs/access/seal-secret.ts'
import { type Clock, toInstant } from '#libs/runtime/clock.ts'
import { failpoint } from '#libs/runtime/failpoint.ts'
import { classifyResponse, type SendResult } from '../core/delivery/classify-response.ts'
import { decideDelivery, type EndpointDecision } from '../core/delivery/decide-delivery.ts'
import type { DeliverySchedule } from '../core/delivery/retry-schedule.ts'
import { signWebhook } from '../core/delivery/sign-webhook.ts'
import type { SendWebhook } from '../endpoints/http-sender.ts'
import type { AttemptRecord } from './attempt-store.ts'
import type { ClaimedDelivery, DeliveryTarget } from './claim-store.ts'

/** A claimed delivery with what is needed to try it. */
export type Job = {
  readonly delivery: ClaimedDelivery
  readonly target: DeliveryTarget
  readonly token: string
  /** Not to be started so late that it could outlast the lease. */
  readonly startBefore: number
}

export type Tried = {
  readonly record: AttemptRecord
  readonly effect: EndpointDecision
  readonly target: DeliveryTarget
  readonly result: SendResult
}

type TryDeps = {
  readonly clock: Clock
  readonly send: SendWebhook
  readonly sealer: Sealer
  readonly schedule: DeliverySchedule
  readonly random: () => number
}

/** One try of one delivery: signs the stored bytes, posts them, judges the answer. Never throws. */
export const createTry = ({ clock, send, sealer, schedule, random }: TryDeps): ((job: Job) => Promise<Tried>) => {
  const secretsOf = createSecretOpener(sealer)
  return async ({ delivery, target, token }) => {
    const startedAt = clock.now()
    const headers = signedHeaders(delivery, target, secretsOf(target), startedAt)
    failpoint('alerting.send.before')
    const result: SendResult = headers
      ? await send({ url: target.url, headers, body: delivery.body })
      : { kind: 'failed', reason: 'secret_unreadable', latencyMs: 0 }
    failpoint('alerting.send.after')
    const now = clock.now()
    const decision = decideDelivery({
      verdict: classifyResponse(result, now),
      tries: delivery.tries + 1,
      failingSince: target.failingSince,
      schedule,
      now,
      random: random(),
    })
    const after = decision.delivery
    const record: AttemptRecord = {
      deliveryId: delivery.deliveryId,
      token,
      state: after.state,
      reason: after.state === 'delivered' ? null : after.reason,
      nextAttemptAt: after.state === 'pending' ? after.nextAttemptAt : null,
      at: now,
      attempt: {
        at: toInstant(startedAt),
        outcome: result.kind === 'failed' ? result.reason : after.state === 'delivered' ? 'delivered' : 'refused',
        status: result.kind === 'answered' ? result.status : null,
        latencyMs: result.latencyMs,
        answer: result.kind === 'answered' ? result.answer : null,
      },
    }
    return { record, effect: decision.effect, target, result }
  }
}

/** Opens the secrets of an endpoint once for all deliveries of a claim. */
const createSecretOpener = (sealer: Sealer): ((target: DeliveryTarget) => readonly KeyObject[]) => {
  const opened = new WeakMap<DeliveryTarget, readonly KeyObject[]>()
  return (target) => {
    let secrets = opened.get(target)
    if (!secrets) {
      secrets = target.secrets.flatMap((sealed) => {
        const secret = sealer.open(sealed, target.endpointId)
        return secret ? [createSecretKey(secret)] : []
      })
      opened.set(target, secrets)
    }
    return secrets
  }
}

/** Undefined when no secret of the endpoint can be opened. Slack's format knows no signature. */
const signedHeaders = (
  { deliveryId, body }: ClaimedDelivery,
  { kind }: DeliveryTarget,
  secrets: readonly KeyObject[],
  at: number,
): Record<string, string> | undefined => {
  if (kind === 'slack') return {}
  return secrets.length === 0 ? undefined : signWebhook({ webhookId: deliveryId, body, at, secrets })
}
