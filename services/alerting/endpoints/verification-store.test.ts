import { expect, test } from 'vitest'
import { addEndpoint, TENANT, testUrls } from '../../../tests/support/webhooks/deliveries.ts'
import { deliverySuite } from '../../../tests/support/webhooks/delivery-suite.ts'
import { targetsOf } from '../delivery/claim-store.ts'
import { findEndpoint, updateEndpoint } from './endpoint-store.ts'
import { verifyEndpoint } from './verification-store.ts'

const { db } = deliverySuite()

test('an answer of the former URL verifies no endpoint whose URL was changed during the call', async () => {
  const { endpointId } = await addEndpoint(db(), 'https://former.example.com/in', { verified: false })
  const [called] = await targetsOf(db(), [endpointId], Date.now())
  const endpoint = await findEndpoint(db(), TENANT, endpointId)
  const stored = testUrls.store('https://victim.example.com/in', endpointId)
  await updateEndpoint(db(), TENANT, endpointId, { ...endpoint!, ...stored })
  expect(await verifyEndpoint(db(), called!, Date.now())).toBe(false)
  expect(await findEndpoint(db(), TENANT, endpointId)).toMatchObject({ state: 'unverified' })
  const [answers] = await targetsOf(db(), [endpointId], Date.now())
  expect(await verifyEndpoint(db(), answers!, Date.now())).toBe(true)
  expect(await verifyEndpoint(db(), answers!, Date.now())).toBe(false)
  expect(await findEndpoint(db(), TENANT, endpointId)).toMatchObject({ state: 'enabled' })
})
