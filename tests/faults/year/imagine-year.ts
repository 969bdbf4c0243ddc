import type { AccountHealth } from '#libs/contracts/account-health.ts'
import { imagineAlerts, type NotifiedTransition, type PlannedSilence } from './imagine-alerts.ts'
import { accountIdOf, messagesOf, narrateLife, TICKS_PER_DAY } from './lives.ts'
import { planSilences } from './silences.ts'

/** What is published on each day, and all that must come of it. */
export type Year = {
  readonly silences: readonly PlannedSilence[]
  readonly byDay: ReadonlyMap<number, readonly AccountHealth[]>
  readonly expected: ReadonlyMap<string, readonly NotifiedTransition[]>
}

export const imagineYear = (plan: { accounts: number; days: number; seed: number }): Year => {
  const silences = planSilences(plan.days, plan.seed)
  const expected = new Map<string, readonly NotifiedTransition[]>()
  const byTick: { tick: number; message: AccountHealth }[] = []
  for (let index = 0; index < plan.accounts; index++) {
    const accountId = accountIdOf(index)
    const life = narrateLife(index, plan.days, plan.seed)
    expected.set(accountId, imagineAlerts(accountId, life, silences, plan.days * TICKS_PER_DAY))
    for (const [i, message] of messagesOf(accountId, life).entries()) byTick.push({ tick: life[i]!.tick, message })
  }
  byTick.sort((a, b) => a.tick - b.tick)
  const byDay = new Map<number, AccountHealth[]>()
  for (const { tick, message } of byTick) {
    const day = Math.ceil(tick / TICKS_PER_DAY)
    const messages = byDay.get(day)
    if (messages) messages.push(message)
    else byDay.set(day, [message])
  }
  return { silences, byDay, expected }
}
