import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createSeenIds, hashId, ID_BYTES } from './seen-ids.ts'

const word = new Uint32Array(2)
const addId = (set: ReturnType<typeof createSeenIds>, source: string, id: string): boolean => {
  hashId(source, id, word)
  return set.add(word[0]!, word[1]!)
}

it('says of every id, in any order and repetition, whether it is new, as a set of pairs does', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string({ maxLength: 4 }), fc.string({ maxLength: 4 })), { maxLength: 400 }),
      (ids) => {
        const set = createSeenIds()
        const reference = new Set<string>()
        for (const [source, id] of ids) {
          const key = JSON.stringify([source, id])
          expect(addId(set, source, id)).toBe(!reference.has(key))
          reference.add(key)
        }
        expect(set.size()).toBe(reference.size)
      },
    ),
  )
})

it('does not confuse 300,000 ids that differ in little, nor a source with the id beside it', () => {
  const set = createSeenIds()
  for (let i = 0; i < 300_000; i++) expect(addId(set, 'web', `evt-${i}`)).toBe(true)
  expect(addId(set, 'we', 'bevt-1')).toBe(true)
})

it('knows ids again from their encoded hashes', () => {
  const bytes = Buffer.alloc(ID_BYTES)
  hashId('web', 'evt-1', word)
  bytes.writeUInt32LE(word[0]!, 0)
  bytes.writeUInt32LE(word[1]!, 4)
  const set = createSeenIds()
  set.addEncoded(bytes)
  expect(addId(set, 'web', 'evt-1')).toBe(false)
  expect(addId(set, 'web', 'evt-2')).toBe(true)
})
