import { describe } from 'vitest'
import { crashSuite } from './bus-crash.contract.ts'
import { failureSuite } from './bus-failure.contract.ts'
import type { BusHarness } from './bus-log.ts'
import { orderSuite } from './bus-order.contract.ts'

/** The promises of `Bus`, held to every adapter by the same tests. */
export const describeBus = (name: string, harness: BusHarness): void => {
  describe(`${name} keeps the promises of the bus`, () => {
    describe('order and sharing', () => orderSuite(harness))
    describe('handlers that fail', () => failureSuite(harness))
    describe('crashes and outages', () => crashSuite(harness))
  })
}
