import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAlertingDatabase, type TestDatabase } from '../../tests/support/alerting-database.ts'
import { addEndpoint, testSealer } from '../../tests/support/deliveries.ts'
import { createSealer } from './seal-secret.ts'
import { resealSecrets } from './secret-store.ts'

let testDatabase: TestDatabase
beforeAll(async () => {
  testDatabase = await createAlertingDatabase()
})
afterAll(() => testDatabase.drop())

const key = randomBytes(32)

test('a sealed secret opens with its key and where it was put, and nowhere else', () => {
  const sealer = createSealer(key)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 24, maxLength: 64 }), fc.uuid(), (bytes, endpointId) => {
      const secret = Buffer.from(bytes)
      const sealed = sealer.seal(secret, endpointId)
      expect(sealer.open(sealed, endpointId)).toEqual(secret)
      expect(sealer.open(sealed, 'another endpoint')).toBeUndefined()
      expect(createSealer(randomBytes(32)).open(sealed, endpointId)).toBeUndefined()
      expect(sealed.includes(secret)).toBe(false)
      expect(sealer.seal(secret, endpointId)).not.toEqual(sealed)
    }),
  )
})

test('a changed or cut byte does not open', () => {
  const sealer = createSealer(key)
  const sealed = sealer.seal(Buffer.alloc(32, 1), 'a')
  for (let index = 0; index < sealed.length; index++) {
    const changed = Buffer.from(sealed)
    changed[index]! ^= 1
    expect(sealer.open(changed, 'a')).toBeUndefined()
    expect(sealer.open(sealed.subarray(0, index), 'a')).toBeUndefined()
  }
})

test('a former key opens what it sealed until it is sealed anew with the current one', async () => {
  const { database } = testDatabase
  const { endpointId } = await addEndpoint(database, 'https://example.com/')
  const current = randomBytes(32)
  const rotated = createSealer(current, [Buffer.alloc(32, 7)])
  const stored = async (): Promise<Buffer> => {
    const [row] = await database.query<{ sealed: Buffer }>(
      'select sealed from alerting.webhook_secret where endpoint_id = $1',
      [endpointId],
    )
    return row!.sealed
  }
  const secret = testSealer.open(await stored(), endpointId)
  expect(rotated.open(await stored(), endpointId)).toEqual(secret)
  expect(createSealer(current).open(await stored(), endpointId)).toBeUndefined()
  expect(await resealSecrets(database, rotated, 100)).toBe(1)
  expect(await resealSecrets(database, rotated, 100)).toBe(0)
  expect(createSealer(current).open(await stored(), endpointId)).toEqual(secret)
})
