import { expect, test } from 'vitest'
import { createZone } from '#libs/time/time-zone.ts'
import { event, NOW, testModel } from '../../../../tests/support/scoring/account-history.ts'
import { type Account, createAccount } from '../account/account.ts'
import { encodeState } from '../codec/state-codec.ts'
import { foldEvent } from '../state/fold.ts'

import { decodeAccount, encodeAccount } from './account-bytes.ts'
import { interactionBitsFor, relayInteractionPages } from './interaction-pages.ts'

const context = { model: testModel(), zone: createZone('UTC'), now: NOW }
const ticket = (id: number, type = 'Opened') =>
  event(`Support Ticket ${type}`, 3, { ticketId: `T-${id}`, priority: 'high' })

const fold = (account: Account, ...events: ReturnType<typeof event>[]): void => {
  for (const one of events) foldEvent(account, one, context)
}
const newAccount = (): Account => createAccount({ tenantId: 'default', accountId: 'acme' }, context.model)

test('a few tickets lie behind the state and come back with it', () => {
  const account = newAccount()
  fold(account, ticket(0), event('Signed In', 2, {}, 'ana'))
  const { state, interactions } = encodeAccount(account)
  expect(interactions).toEqual([])
  const read = decodeAccount(state)
  expect(read.interactionsApart).toBe(false)
  expect(read.interactions.get('ticket', 'T-0')).toEqual(account.interactions.get('ticket', 'T-0'))
  expect(encodeState(read.state)).toEqual(encodeState(account.state))
})

test('many tickets lie apart from the state, and of 10,000 one that moves has a few KB written', () => {
  const account = newAccount()
  fold(account, ...Array.from({ length: 10_000 }, (_, id) => ticket(id)))
  const whole = encodeAccount(account)
  expect(decodeAccount(whole.state).interactionsApart).toBe(true)
  expect(whole.interactions.length).toBe(1)
  account.interactions = relayInteractionPages(account.interactions, interactionBitsFor(account.state, 0))
  const pages = encodeAccount(account).interactions
  expect(pages.length).toBe(2 ** account.interactions.bits())
  expect(Math.max(...pages.map(({ bytes }) => bytes.length))).toBeLessThan(8_192)

  fold(account, event('Feature Used', 1, { core: true }, 'ana'), event('identify', 1, { plan: 'pro' }, 'ana'))
  expect(encodeAccount(account).interactions).toEqual([])
  fold(account, ticket(7, 'Resolved'))
  const moved = encodeAccount(account)
  expect(moved.interactions.map(({ page }) => page)).toEqual([account.interactions.pageOf('tT-7')])
  expect(moved.state.length).toBeLessThan(1_024)

  const read = decodeAccount(moved.state)
  expect(() => read.interactions.get('ticket', 'T-7')).toThrow('before it was loaded')
  for (const { page, bytes } of moved.interactions) read.interactions.load(page, bytes.toString('latin1'))
  expect(read.interactions.get('ticket', 'T-7')).toMatchObject({ status: { open: false } })
})
