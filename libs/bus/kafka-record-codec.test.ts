import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeRecord } from './kafka-record-decoder.ts'
import { encodeRecord } from './kafka-record-encoder.ts'

// Read by their paths, before anything puts others in their place.
const require = createRequire(import.meta.url)
const theirEncoder = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as typeof encodeRecord
const theirDecoder = require('kafkajs/src/protocol/recordBatch/record/v0/decoder.js') as typeof decodeRecord
const Decoder = require('kafkajs/src/protocol/decoder.js') as new (
  buffer: Buffer,
) => { readonly buffer: Buffer; readonly readVarIntBytes: () => Buffer }

const bytes = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
)
const messages = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.dictionary(
    fc.string({ maxLength: 40 }),
    fc.oneof(bytes, fc.array(bytes, { minLength: 2, maxLength: 3 })),
    {
      maxKeys: 3,
      noNullPrototype: true,
    },
  ),
  offsetDelta: fc.nat(),
  timestampDelta: fc.nat({ max: 2 ** 40 }),
})

test('a record has the bytes that kafkajs would give it', () => {
  fc.assert(
    fc.property(messages, (message) => {
      expect(encodeRecord(message).buffer.equals(theirEncoder(message).buffer)).toBe(true)
    }),
  )
})

test('a record is read as kafkajs would read it', () => {
  const contexts = fc.record({
    firstOffset: fc.nat({ max: 2 ** 45 }).map(String),
    firstTimestamp: fc.nat({ max: 2 ** 42 }).map(String),
    maxTimestamp: fc.nat({ max: 2 ** 42 }).map(String),
    timestampType: fc.constantFrom(0, 1),
    magicByte: fc.constant(2),
    isControlBatch: fc.boolean(),
  })
  fc.assert(
    fc.property(messages, contexts, (message, context) => {
      const record = new Decoder(Buffer.from(encodeRecord(message).buffer)).readVarIntBytes()
      const own = decodeRecord(new Decoder(record), context) as Record<string, unknown>
      const theirs = theirDecoder(new Decoder(record), context) as Record<string, unknown>
      for (const [name, value] of Object.entries(theirs)) expect(own[name]).toEqual(value)
    }),
  )
})
