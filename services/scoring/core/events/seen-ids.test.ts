import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createSeenIds, hashId, ID_BYTES, slotOf } from './seen-ids.ts'

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

it('spreads ids that were chosen to share the lower bits of their words', () => {
  const capacity = 32_768
  const slots = new Set(Array.from({ length: 10_000 }, (_, i) => slotOf(i, 0x5bd1, capacity)))
  // 10,000 random slots of 32,768 hit about 8,600 different ones.
  expect(slots.size).toBeGreaterThan(8_000)
})

it.each([
  ['web', 'evt-1', '75cb12bc53fa74dd'],
  ['kafka', '018f0000-0000-7000-8000-000000000002', 'ba6ffab005e56af5'],
  ['eigene Quelle', 'jürgen@exämple.de', '6436b0c6718e558e'],
  ['', '', 'ebb6c22847a78262'],
])('hashes the id %j %j to the words that stored ids bear', (source, id, hex) => {
  hashId(source, id, word)
  expect([...word].map((half) => half.toString(16).padStart(8, '0')).join('')).toBe(hex)
})

/** Ids as clients make them, told apart by their number alone. */
const REALISTIC: readonly ((n: number) => string)[] = [
  (n) => `evt_${n}`,
  (n) => `${1_795_348_800_000 + n}`,
  (n) =>
    `018f6b2c-${(n >>> 16).toString(16).padStart(4, '0')}-7${(n & 0xfff).toString(16).padStart(3, '0')}-8000-${n.toString(16).padStart(12, '0')}`,
  (n) => `invoice:${n % 1_000}:${Math.floor(n / 1_000)}`,
]
/** 10^7 such ids had no pair either (2026-11-30; 3e-6 pairs are expected). */
const IDS = 1_000_000

it('tells a million realistic ids apart, and spreads each half of their hashes as chance would', () => {
  const hashes = new BigUint64Array(IDS)
  const halves = [new Uint32Array(IDS), new Uint32Array(IDS)] as const
  for (let n = 0; n < IDS; n++) {
    hashId('web', REALISTIC[n % REALISTIC.length]!(n), word)
    halves[0][n] = word[0]!
    halves[1][n] = word[1]!
    hashes[n] = (BigInt(word[0]!) << 32n) | BigInt(word[1]!)
  }
  const repeated = (sorted: BigUint64Array | Uint32Array): number => {
    let pairs = 0
    for (let n = 1; n < sorted.length; n++) if (sorted[n] === sorted[n - 1]) pairs++
    return pairs
  }
  expect(repeated(hashes.sort())).toBe(0)
  // Birthdays: n^2 / 2^33 pairs share a half by chance, 116 of a million.
  const expected = IDS ** 2 / 2 ** 33
  for (const half of halves) expect(repeated(half.sort())).toBeLessThan(2 * expected)
})
