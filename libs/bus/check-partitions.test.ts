import { expect, it } from 'vitest'
import { monotonicMs } from '#libs/runtime/clock.ts'
import { checkMembership } from './check-partitions.ts'

it('a consumer outside of its group for longer than a rebalance takes is not ready', async () => {
  await expect(checkMembership('scoring', monotonicMs() - 20_000)).resolves.toBeUndefined()
  await expect(checkMembership('scoring', monotonicMs() - 31_000)).rejects.toThrow('no member of the group scoring')
})
