import { type HashKey, halfSipHash } from './half-sip-hash.ts'

/**
 * The ids an account has counted, as 64-bit hashes of (source, id), 16 bytes an id. Two ids of one
 * account share a hash, which would drop an event, with probability n^2 / 2^65: 3e-8 at a million
 * events.
 *
 * Written by hand, though xxhash-wasm and hash-wasm offer a hash: all stored ids have this one, and
 * another would count old events anew. `seen-ids.test.ts` holds it to vectors, and found no pair
 * among 10^7 realistic ids (2026-11-30). Whoever may send events may choose ids that share words or
 * parts of words: shared words are one id of their own account, and the slots depend on a secret.
 */
export type SeenIds = {
  readonly size: () => number
  /** True when the id was not there yet. */
  readonly add: (high: number, low: number) => boolean
  /** Adds hashes as `encode` of a flush wrote them. */
  readonly addEncoded: (bytes: Buffer) => void
}

export const ID_BYTES = 8
const FIRST_CAPACITY = 8
/** Small sets are plain arrays: a typed array takes microseconds, and most sets are small. */
const TYPED_FROM = 128
const emptySlots = (capacity: number): number[] | Int32Array =>
  capacity < TYPED_FROM ? new Array<number>(capacity * 2).fill(0) : new Int32Array(capacity * 2)

/** Open addressing: pairs of [high, low]; an empty slot is (0, 0), which no id hashes to. */
type Slots = { slots: number[] | Int32Array; capacity: number; count: number }

/** Of this process: chosen ids cannot crowd into few slots, which would make each step a search. */
const SLOT_KEY = crypto.getRandomValues(new Int32Array(2)) as unknown as HashKey

/** `capacity` is a power of two. A search through a small set is short whatever its ids are. */
export const slotOf = (high: number, low: number, capacity: number, key: HashKey = SLOT_KEY): number =>
  (capacity < TYPED_FROM ? low : halfSipHash(key, high, low)) & (capacity - 1)

const put = (set: Slots, high: number, low: number): boolean => {
  const { slots, capacity } = set
  let slot = slotOf(high, low, capacity)
  for (;;) {
    const slotHigh = slots[slot * 2]!
    const slotLow = slots[slot * 2 + 1]!
    if (slotHigh === 0 && slotLow === 0) break
    if (slotHigh === high && slotLow === low) return false
    slot = (slot + 1) & (capacity - 1)
  }
  slots[slot * 2] = high
  slots[slot * 2 + 1] = low
  set.count++
  return true
}

const grow = (set: Slots): void => {
  const old = set.slots
  set.capacity *= 2
  set.count = 0
  set.slots = emptySlots(set.capacity)
  for (let i = 0; i < old.length; i += 2) if (old[i] !== 0 || old[i + 1] !== 0) put(set, old[i]!, old[i + 1]!)
}

/** Shared by all sets: functions of its own would be a third of a small set. */
const methods: SeenIds & ThisType<SeenIds & Slots> = {
  size() {
    return this.count
  },
  add(high, low) {
    if (this.count * 4 >= this.capacity * 3) grow(this)
    // Signed words are small integers to the engine, unsigned ones are not.
    return put(this, high | 0, low | 0)
  },
  addEncoded(bytes) {
    for (let i = 0; i + ID_BYTES <= bytes.length; i += ID_BYTES)
      this.add(bytes.readUInt32LE(i), bytes.readUInt32LE(i + 4))
  },
}

export const createSeenIds = (): SeenIds =>
  ({ __proto__: methods, slots: emptySlots(FIRST_CAPACITY), capacity: FIRST_CAPACITY, count: 0 }) as unknown as SeenIds

/** Hash of (source, id) as [high, low]; never both 0. The length of the source separates both. */
export const hashId = (source: string, id: string, into: Uint32Array): void => {
  let a = 0x9747b28c ^ source.length
  let b = 0x3c6ef372 ^ (source.length << 16)
  for (let i = 0; i < source.length; i++) {
    const c = source.charCodeAt(i)
    a = mixA(a, c)
    b = mixB(b, c)
  }
  for (let i = 0; i < id.length; i++) {
    const c = id.charCodeAt(i)
    a = mixA(a, c)
    b = mixB(b, c)
  }
  a = finish(a ^ id.length)
  b = finish(b ^ a)
  into[0] = a
  into[1] = a === 0 && b === 0 ? 1 : b
}

/** murmur3's step. */
const mixA = (hash: number, c: number): number => {
  const k = Math.imul(c, 0xcc9e2d51)
  const h = hash ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593)
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0
}

/** A step of other shape and constants, so that the two words do not collide together. */
const mixB = (hash: number, c: number): number => {
  const h = Math.imul(hash ^ c, 0x5bd1e995)
  return (h ^ (h >>> 15)) | 0
}

const finish = (hash: number): number => {
  let h = hash ^ (hash >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
