import { setTimeout as pause } from 'node:timers/promises'
import type { Bus } from '#libs/bus/bus.ts'
import type { AccountHealth } from '#libs/contracts/account-health.ts'
import { accountKey } from '#libs/contracts/topics.ts'
import type { Database } from '#libs/postgres/database.ts'
import { createRandom } from '../story.ts'
import { atTick, TICKS_PER_DAY } from './lives.ts'
import type { SupervisedAlerting } from './supervise-alerting.ts'

export type Player = {
  /**
   * Publishes the day's changes, lets them be judged, ends the day, and waits until all is told
   * that could be.
   */
  readonly playDay: (day: number, messages: readonly AccountHealth[]) => Promise<void>
  /** Nothing of what happened until that instant waits for another try. */
  readonly isAllSentOf: (until: number) => Promise<boolean>
}

type Parts = {
  readonly alerting: SupervisedAlerting
  readonly database: Database
  readonly bus: Bus
  readonly seed: number
}

const STEP_LIMIT_MS = 120_000
const LOOK_MS = 10
/**
 * When nothing has moved for so long, a call hangs, an endpoint rests or a lease is held by the
 * dead: time goes on a little.
 */
const STILL_MS = 120
/** Longer than the longest call, and than the longest rest that is asked for. */
const NUDGE_MS = 16_000
/** One in so many changes is published twice. */
const REPEATED = 10

export const createPlayer = ({ alerting, database, bus, seed }: Parts): Player => {
  const random = createRandom(seed + 7)
  const published = new Map<string, number>()
  let total = 0

  /**
   * Asks until the answer is yes; `still` is called when it has been no, and the same, for a while.
   */
  const waitFor = async (what: string, look: () => Promise<{ done: boolean; state: string }>, still = () => {}) => {
    const giveUpAt = performance.now() + STEP_LIMIT_MS
    let before = ''
    let since = performance.now()
    for (;;) {
      const fault = alerting.fault()
      if (fault !== undefined) throw new Error(fault)
      const { done, state } = await look()
      if (done) return
      if (performance.now() > giveUpAt) throw new Error(`not within ${STEP_LIMIT_MS} ms: ${what} (${state})`)
      if (state !== before) since = performance.now()
      before = state
      if (performance.now() - since > STILL_MS) {
        still()
        since = performance.now()
      }
      await pause(LOOK_MS)
    }
  }

  const publish = async (messages: readonly AccountHealth[]): Promise<void> => {
    const records = messages.flatMap((message) => {
      const { tenantId, accountId, sequence } = message
      if (sequence > (published.get(accountId) ?? 0)) published.set(accountId, sequence)
      const record = { key: accountKey(tenantId, accountId), value: Buffer.from(JSON.stringify(message)) }
      return random() * REPEATED < 1 ? [record, record] : [record]
    })
    total += messages.length
    await bus.publish('account.health', records)
  }

  const evaluated = async () => {
    const [row] = await database.query<{ n: number }>('select coalesce(sum(sequence), 0) as n from alerting.account')
    return { done: row!.n >= total, state: `${row!.n} of ${total} changes evaluated` }
  }

  const told = async () => {
    const [row] = await database.query<{ checks: number; due: number; records: number }>(
      `select (select count(*) from alerting.account where next_check_at <= to_timestamp($1::double precision / 1000)) as checks,
              (select count(*) from alerting.outbox) as records,
              (select count(*) from alerting.delivery
                where state = 'pending' and next_attempt_at <= to_timestamp($1::double precision / 1000)) as due`,
      [alerting.now()],
    )
    const { checks, due, records } = row!
    return { done: checks + due + records === 0, state: `${checks} checks, ${records} events, ${due} deliveries due` }
  }

  return {
    playDay: async (day, messages) => {
      await publish(messages)
      await waitFor('the changes are judged', evaluated)
      alerting.jumpTo(atTick(day * TICKS_PER_DAY))
      await waitFor('all is told', told, () => alerting.jumpTo(alerting.now() + NUDGE_MS))
    },
    isAllSentOf: async (until) => {
      const [row] = await database.query<{ n: number }>(
        "select count(*) as n from alerting.delivery where state = 'pending' and created_at <= to_timestamp($1::double precision / 1000)",
        [until],
      )
      return row!.n === 0
    },
  }
}
