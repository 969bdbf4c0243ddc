import { expect, test } from 'vitest'
import { event, NOW, testModel } from '../../../tests/support/account-history.ts'
import { createAccount } from './account.ts'
import { encodeAccount, isParted } from './account-bytes.ts'
import { foldEvent } from './fold.ts'
import { decodeState, encodeState } from './state.ts'
import { createZone } from './zone.ts'

const context = { model: testModel(), zone: createZone('UTC'), now: NOW }

test('many tickets lie apart from the state, are written when one moves, and put behind it make it whole again', () => {
  const account = createAccount({ tenantId: 'default', accountId: 'acme' }, context.model)
  const fold = (...events: ReturnType<typeof event>[]): void => {
    for (const one of events) foldEvent(account.state, account.users, one, context)
  }
  const ticket = (id: number) => event('Support Ticket Opened', 3, { ticketId: `T-${id}`, priority: 'high' })

  fold(ticket(0), event('Signed In', 2, {}, 'ana'))
  const small = encodeAccount(account)
  expect([isParted(small.state), small.dealings]).toEqual([false, null])

  fold(...Array.from({ length: 500 }, (_, id) => ticket(id + 1)))
  const { state, dealings } = encodeAccount(account)
  expect([isParted(state), state.length < 100]).toEqual([true, true])
  const whole = decodeState(Buffer.concat([state, dealings!]))
  expect(encodeState(whole).equals(encodeState(account.state))).toBe(true)

  fold(event('Feature Used', 1, { core: true }, 'ana'), event('identify', 1, { plan: 'pro' }, 'ana'))
  const afterUse = encodeAccount(account)
  expect(afterUse.dealings).toBeNull()
  expect(encodeState(decodeState(Buffer.concat([afterUse.state, dealings!])))).toEqual(encodeState(account.state))

  fold(event('Support Ticket Resolved', 0, { ticketId: 'T-7' }))
  expect(encodeAccount(account).dealings?.equals(dealings!)).toBe(false)
})
