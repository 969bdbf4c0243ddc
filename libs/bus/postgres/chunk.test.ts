import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeChunk, editChunk, encodeChunk, type StoredChunk } from './chunk.ts'

const read = async (stored: StoredChunk, fromOffset: number) =>
  (await decodeChunk(stored, fromOffset)).records.map(({ key, value, headers, offset, timestampMs }) => ({
    key,
    value,
    headers: { ...headers },
    offset,
    timestampMs,
  }))

const text = fc.string({ unit: 'binary', maxLength: 40 })
const records = fc.array(
  fc.record({
    key: text,
    value: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)),
    headers: fc.oneof(fc.constant({ kind: 'event' }), fc.constant({}), fc.dictionary(text, text)),
  }),
  { minLength: 1, maxLength: 30 },
)

test('a chunk is read as it was written, from any offset on', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.nat(1_000), fc.nat(29), async (written, first, skipped) => {
      const keyed = written.map((record) => ({ record, key: Buffer.from(record.key) }))
      const { body, rawBytes, count } = await encodeChunk(keyed, 1_700_000_000_123)
      const stored = { body, raw_bytes: rawBytes, record_count: count, last_offset: first + count - 1 }
      const expected = written.map(({ key, value, headers }, i) => ({
        key: Buffer.from(key).toString(),
        value,
        headers: { ...headers },
        offset: first + i,
        timestampMs: 1_700_000_000_123,
      }))
      expect(await read(stored, first + skipped)).toEqual(expected.slice(skipped))
    }),
    { numRuns: 300 },
  )
})

test('an edit changes or removes the records of its key, and leaves every other record in its place', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.nat(29), async (written, chosen) => {
      const keyed = written.map((record) => ({ record, key: Buffer.from(record.key) }))
      const { key } = keyed[chosen % keyed.length]!
      const edit = (value: Buffer): Buffer | null => [null, value, Buffer.from('edited')][value.length % 3]!
      const { body, rawBytes, count } = await encodeChunk(keyed, 1_700_000_000_123)
      const stored = { body, raw_bytes: rawBytes, record_count: count, last_offset: 100 + count - 1 }
      const edited = await editChunk(stored, key, edit)
      const before = await read(stored, 0)
      const expected = before.flatMap((record) => {
        const value = Buffer.from(record.key).equals(key) ? edit(record.value) : record.value
        return value === null ? [] : [{ ...record, value }]
      })
      const isSame = expected.length === before.length && expected.every(({ value }, i) => value === before[i]!.value)
      expect(edited === undefined).toBe(isSame)
      if (edited === undefined) return
      expect(await read({ ...stored, body: edited.body, raw_bytes: edited.rawBytes }, 0)).toEqual(expected)
    }),
    { numRuns: 300 },
  )
})

test('similar records are stored in a fraction of their size', async () => {
  const value = Buffer.from(
    JSON.stringify({ type: 'Feature Used', accountId: 'acme', occurredAt: '2024-01-01T00:00:00Z' }),
  )
  const keyed = Array.from({ length: 1_000 }, () => ({ record: { key: 'k', value }, key: Buffer.from('k') }))
  const { body, rawBytes } = await encodeChunk(keyed, 0)
  expect(body.length).toBeLessThan(rawBytes / 10)
})
