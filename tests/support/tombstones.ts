import { createTombstones, type StoredTombstones } from '#libs/access/tombstones.ts'

const KEY = Buffer.alloc(32, 5)

/** Hashes under a key that no database keeps. */
export const testTombstones: StoredTombstones = { ...createTombstones(() => KEY), start: async () => {} }
