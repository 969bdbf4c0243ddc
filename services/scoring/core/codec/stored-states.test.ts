import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createZone } from '#libs/time/time-zone.ts'
import { NOW, testModel } from '../../../../tests/support/scoring/account-history.ts'
import { createAccount } from '../account/account.ts'
import { deduplicate } from '../events/deduplicate.ts'
import type { CountedEvent } from '../events/event.ts'
import { foldEvent } from '../state/fold.ts'
import { decodeAccount, encodeWhole } from './account-bytes.ts'
import { createInteractionPages } from './interaction-pages.ts'
import { createUserPages } from './user-pages.ts'

/**
 * What Pulso wrote on 2026-11-30, state layout 3: one account a line. Data folders of that day hold
 * such bytes, so these lines never change.
 */
type Stored = {
  readonly name: string
  readonly zone: string
  readonly events: readonly CountedEvent[]
  /** Base64, as are the pages. */
  readonly state: string
  readonly interactions: readonly [page: number, bytes: string][]
  readonly users: readonly [page: number, bytes: string][]
  /** Hashes of the ids in the order of the events, hex. */
  readonly ids: string
}

const lines = readFileSync(new URL('../../../../tests/support/scoring/stored-states.jsonl', import.meta.url), 'utf8')
const stored = lines
  .trim()
  .split('\n')
  .map((line): Stored => JSON.parse(line))

const foldAll = ({ zone, events }: Stored) => {
  const account = createAccount({ tenantId: 'default', accountId: 'acme' }, testModel())
  const context = { model: account.model, zone: createZone(zone), now: NOW }
  for (const event of events) foldEvent(account, event, context)
  return account
}
const inBase64 = (pages: readonly { readonly page: number; readonly bytes: Buffer }[]) =>
  pages.map(({ page, bytes }) => [page, bytes.toString('base64')])

test.each(stored)('the events of the account "$name" fold into the bytes that were stored', (account) => {
  const { state, interactions, users } = foldAll(account)
  expect(encodeWhole(state, interactions).toString('base64')).toBe(account.state)
  expect(inBase64(interactions.takeDirty())).toEqual(account.interactions)
  expect(inBase64(users.takeDirty())).toEqual(account.users)
})

test.each(stored)('the stored bytes of the account "$name" decode to what its events fold into', (account) => {
  const folded = foldAll(account)
  const { state, interactions } = decodeAccount(Buffer.from(account.state, 'base64'))
  expect({ ...state, memo: {} }).toEqual({ ...folded.state, memo: {} })
  expect(new Map(interactions.stored())).toEqual(new Map(folded.interactions.stored()))
  expect(encodeWhole(state, interactions).toString('base64')).toBe(account.state)
  for (const [page, bytes] of account.interactions) {
    const pages = createInteractionPages(0)
    pages.load(page, Buffer.from(bytes, 'base64').toString('latin1'))
    expect(new Map(pages.stored())).toEqual(new Map(folded.interactions.stored()))
  }
  for (const [page, bytes] of account.users) {
    const pages = createUserPages(0)
    pages.load(page, Buffer.from(bytes, 'base64').toString('latin1'))
    expect(new Map(pages.entries())).toEqual(new Map(folded.users.entries()))
  }
})

test.each(stored)('the ids of the account "$name" hash to the words that were stored', ({ events, ids }) => {
  const account = createAccount({ tenantId: 'default', accountId: 'acme' }, testModel())
  const received = events.map((event) => ({ ...event, backfill: false, raw: '{}' }))
  expect(deduplicate(account, received).ids.toString('hex')).toBe(ids)
})
