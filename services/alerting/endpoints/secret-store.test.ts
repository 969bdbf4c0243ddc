import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSealer } from '#libs/access/seal-secret.ts'
import { createAlertingDatabase, type TestDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { addEndpoint, testSealer } from '../../../tests/support/webhooks/deliveries.ts'
import { resealSecrets } from './secret-store.ts'

let testDatabase: TestDatabase
beforeAll(async () => {
  testDatabase = await createAlertingDatabase()
})
afterAll(() => testDatabase.drop())

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
