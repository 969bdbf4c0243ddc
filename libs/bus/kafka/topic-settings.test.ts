import { expect, test } from 'vitest'
import { copiesOf, DEFAULT_DURABILITY, settingsOf, weaknessesOf } from './topic-settings.ts'

test('topics have as many copies as there are brokers, up to three, or as many as are asked for', () => {
  expect([1, 2, 3, 5].map((brokers) => copiesOf(DEFAULT_DURABILITY, brokers))).toEqual([1, 2, 3, 3])
  expect(copiesOf({ ...DEFAULT_DURABILITY, replicationFactor: 2 }, 5)).toBe(2)
})

test('fewer brokers than copies that are asked for are refused', () => {
  expect(() => copiesOf({ ...DEFAULT_DURABILITY, replicationFactor: 3 }, 2)).toThrow('Kafka has 2 brokers')
})

test('two copies must have a record, one where there is but one', () => {
  expect(settingsOf(DEFAULT_DURABILITY, 3, false)).toEqual({
    'message.timestamp.type': 'LogAppendTime',
    'min.insync.replicas': '2',
    'retention.ms': String(14 * 86_400_000),
  })
  expect(settingsOf(DEFAULT_DURABILITY, 1, true)).toMatchObject({
    'min.insync.replicas': '1',
    'retention.ms': String(30 * 86_400_000),
  })
})

test('only what keeps less than is wanted is a weakness', () => {
  const wanted = settingsOf(DEFAULT_DURABILITY, 3, false)
  expect(weaknessesOf({ ...wanted, 'retention.ms': '-1', 'min.insync.replicas': '3' }, wanted)).toEqual([])
  const weak = { 'message.timestamp.type': 'CreateTime', 'min.insync.replicas': '1', 'retention.ms': '604800000' }
  expect(weaknessesOf(weak, wanted).map(({ setting }) => setting)).toEqual(Object.keys(wanted))
})
