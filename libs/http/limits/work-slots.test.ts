import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import { createWorkSlots } from './work-slots.ts'

const LIMITS = { perTenant: 2, inAll: 3, waitingPerTenant: 2, waitingInAll: 3 }

const createScene = () => {
  const clock = createManualClock(0)
  const slots = createWorkSlots(clock, LIMITS)
  const begun: string[] = []
  const ends = new Map<string, () => void>()
  const run = (name: string): Promise<string> =>
    slots(name[0]!, async () => {
      begun.push(name)
      await new Promise<void>((resolve) => ends.set(name, resolve))
      return name
    })
  const end = async (name: string): Promise<void> => {
    ends.get(name)!()
    await turn()
  }
  return { clock, run, end, begun }
}

test('a tenant has its share at work; what waits begins in order, and passes by whose share is taken', async () => {
  const { run, end, begun } = createScene()
  const work = ['a1', 'a2', 'a3', 'b1', 'b2'].map(run)
  await turn()
  expect(begun).toEqual(['a1', 'a2', 'b1'])
  await end('b1')
  expect(begun).toEqual(['a1', 'a2', 'b1', 'b2'])
  await end('a2')
  expect(begun).toEqual(['a1', 'a2', 'b1', 'b2', 'a3'])
  for (const name of ['a1', 'b2', 'a3']) await end(name)
  expect(await Promise.all(work)).toEqual(['a1', 'a2', 'a3', 'b1', 'b2'])
})

test('a tenant with a full queue gets 429, one that meets the queue of all gets 503', async () => {
  const { run } = createScene()
  for (const name of ['a1', 'a2', 'a3', 'a4', 'b1', 'b2']) void run(name)
  await expect(run('a5')).rejects.toMatchObject({ status: 429 })
  await expect(run('c1')).rejects.toMatchObject({ status: 503 })
})

test('a request that waits too long gets 503, and its place in the queue is free', async () => {
  const { clock, run, end, begun } = createScene()
  for (const name of ['a1', 'a2']) void run(name)
  const waiting = run('a3')
  const refused = expect(waiting).rejects.toMatchObject({ status: 503 })
  clock.advance(20_000)
  await refused
  void run('a4')
  await end('a1')
  expect(begun).toEqual(['a1', 'a2', 'a4'])
})

test('work that fails gives its slot back', async () => {
  const { run, begun } = createScene()
  const slots = createWorkSlots(createManualClock(0), { ...LIMITS, inAll: 1, waitingPerTenant: 0 })
  await expect(slots('a', async () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await slots('a', async () => 'done')).toBe('done')
  void run('a1')
  expect(begun).toEqual(['a1'])
})
