import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '#libs/runtime/clock.ts'
import { createZone } from '#libs/time/time-zone.ts'
import { loadAccounts } from '../../services/scoring/accounts/account-store.ts'
import { createAccount } from '../../services/scoring/core/account/account.ts'
import { refold } from '../../services/scoring/core/account/adopt-model.ts'
import { decodeState, encodeState } from '../../services/scoring/core/codec/state-codec.ts'
import { ALL_ACTIVE } from '../../services/scoring/core/evaluation/source-log.ts'
import { compileModel } from '../../services/scoring/core/models/model.ts'

import { loadCountedEvents } from '../../services/scoring/log/event-store.ts'
import { loadDefaultModel } from '../../services/scoring/models/model-document.ts'
import { eventually } from '../support/eventually.ts'
import { findTexts } from '../support/find-text.ts'
import { usageRecord } from '../support/scoring/scorer.ts'
import { createShared } from '../support/scoring/scoring-and-alerting.ts'

const ACCOUNTS = Array.from({ length: 6 }, (_, i) => `account-${i}`)
const USERS = ['ana', 'ben', 'eve']
const ROUNDS = 40

test('accounts and users erased while their events stream in through two replicas: nothing of before is left, all of after counts', async () => {
  const shared = await createShared(systemClock)
  onTestFinished(shared.stop)
  const { database, bus } = shared.test.platform
  const replicas = [await shared.startReplica(), await shared.startReplica()]
  const erasedAt = new Map<string, number>()
  let erasures = 0

  const erase = async (round: number): Promise<void> => {
    const accountId = ACCOUNTS[round % ACCOUNTS.length]!
    const userId = USERS[round % USERS.length]!
    const { api } = replicas[round % 2]!
    const path = round % 4 === 0 ? `/v1/accounts/${accountId}` : `/v1/accounts/${accountId}/users/${userId}`
    const startedAt = Date.now()
    const { status } = await api.send('DELETE', path)
    expect([204, 404]).toContain(status)
    if (status === 404) return
    erasures++
    erasedAt.set(round % 4 === 0 ? accountId : `${accountId}/${userId}`, startedAt)
  }
  for (let round = 0; round < ROUNDS; round++) {
    const records = ACCOUNTS.flatMap((accountId) =>
      USERS.map((userId) => {
        const type = round % 5 === 0 ? 'NPS Responded' : 'Feature Used'
        return usageRecord(accountId, { type, userId, properties: { score: round % 11, core: true } })
      }),
    )
    await Promise.all([bus.publish('usage.events', records), erase(round), erase(round + 7)])
  }
  expect(erasures).toBeGreaterThan(ROUNDS / 2)
  const last = Math.max(...erasedAt.values())
  await eventually('time has passed', () => Date.now() > last + 5)
  const after = ACCOUNTS.flatMap((accountId) => USERS.map((userId) => usageRecord(accountId, { userId })))
  await bus.publish('usage.events', after)

  const context = { model: compileModel(loadDefaultModel()), zone: createZone('UTC'), sources: ALL_ACTIVE }
  for (const accountId of ACCOUNTS) {
    const key = { tenantId: 'default', accountId }
    const wanted = after
      .filter((record) => record.key === `default:${accountId}`)
      .map(({ value }) => JSON.parse(value.toString()).id)
    await eventually(`${accountId} has its last events`, async () => {
      const ids = new Set((await loadCountedEvents(database, key)).map(({ id }) => id))
      return wanted.every((id) => ids.has(id))
    })
    const events = await loadCountedEvents(database, key)
    for (const { userId, receivedAt } of events) {
      expect(receivedAt).toBeGreaterThan(erasedAt.get(accountId) ?? 0)
      expect(receivedAt).toBeGreaterThan(erasedAt.get(`${accountId}/${userId}`) ?? 0)
    }
    const [stored] = await loadAccounts(database, [key])
    const { state } = refold(events, createAccount(key, context.model), { ...context, now: Date.now() })
    expect(encodeState(decodeState(stored!.state)).equals(encodeState(state))).toBe(true)
  }
  for (const accountId of ACCOUNTS)
    expect((await replicas[0]!.api.send('DELETE', `/v1/accounts/${accountId}`)).status).toBe(204)
  expect(await findTexts(database, ACCOUNTS)).toEqual([])
  const [audit] = await database.query<{ n: number }>(
    `select count(*) as n from access.audit where action in ('account.erased', 'user.erased')`,
  )
  expect(audit!.n).toBe(erasures + ACCOUNTS.length)
})
