import { expect, test } from 'vitest'
import { createExpectedPositions } from './expected-positions.ts'

test('a database that goes back is behind, without a record and with its row gone, until reading begins anew there', async () => {
  let database = new Map([[0, 5]])
  const expected = createExpectedPositions(async () => database)
  await expected.read([0, 1])
  expect([expected.of(0), expected.of(1)]).toEqual([5, null])
  expected.reached(0, 9)
  expected.reached(1, 3)
  database = new Map([
    [0, 9],
    [1, 3],
  ])
  expect(await expected.isBehind([0, 1])).toBe(false)
  database = new Map([[0, 5]])
  expect(await expected.isBehind([0])).toBe(true)
  expect(await expected.isBehind([1])).toBe(true)
  await expected.read([0])
  expect(await expected.isBehind([0])).toBe(false)
})

test('a partition that comes anew says nothing of the others: what the database has lost of them shows', async () => {
  let database = new Map([
    [0, 5],
    [1, 7],
  ])
  const expected = createExpectedPositions(async () => database)
  await expected.read([0, 1])
  database = new Map([
    [0, 2],
    [1, 4],
  ])
  await expected.read([1])
  expect([expected.of(0), expected.of(1)]).toEqual([5, 4])
  expect(await expected.isBehind([0, 1])).toBe(true)
})

test('what is written while the database answers is not behind', async () => {
  const database = new Map([[0, 5]])
  const expected = createExpectedPositions(async () => {
    const answer = new Map(database)
    expected.reached(0, 9)
    return answer
  })
  await expected.read([0])
  expected.reached(0, 5)
  expect(await expected.isBehind([0])).toBe(false)
})
