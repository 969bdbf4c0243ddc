import fc from 'fast-check'
import kafkajs from 'kafkajs'
import { expect, test } from 'vitest'
import { partitionOf } from './murmur2.ts'

const partitioner = kafkajs.Partitioners.DefaultPartitioner()
const asKafka = (key: string, partitions: number): number =>
  partitioner({
    topic: 'any',
    partitionMetadata: Array.from({ length: partitions }, (_, partitionId) => ({ partitionId, leader: 1 })) as never,
    message: { key, value: 'x' },
  })

test('a key goes to the partition that Kafka’s own partitioner chooses, whatever the key and the number of partitions', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.integer({ min: 1, max: 100 }), (key, partitions) => {
      expect(partitionOf(key, partitions)).toBe(asKafka(key, partitions))
    }),
    { numRuns: 2_000 },
  )
})
