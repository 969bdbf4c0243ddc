/** Two words that nobody but the process knows. */
export type HashKey = readonly [number, number]

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits))

/**
 * HalfSipHash-2-4 of two words, as a signed word (J.-P. Aumasson, github.com/veorq/SipHash).
 * Without the key nobody can choose inputs whose hashes collide. By hand: `siphash` 1.1 has the
 * 64-bit form only, on arrays of bytes (2026-11-30).
 */
export const halfSipHash = ([k0, k1]: HashKey, first: number, second: number): number => {
  let v0 = k0
  let v1 = k1
  let v2 = k0 ^ 0x6c796765
  let v3 = k1 ^ 0x74656462
  // The last block has the length of the input, 8 bytes, in its highest byte.
  for (let block = 0; block < 4; block++) {
    const word = block === 0 ? first : block === 1 ? second : 0x08000000
    if (block < 3) v3 ^= word
    else v2 ^= 0xff
    for (let round = block < 3 ? 2 : 4; round > 0; round--) {
      v0 = (v0 + v1) | 0
      v1 = rotate(v1, 5) ^ v0
      v0 = rotate(v0, 16)
      v2 = (v2 + v3) | 0
      v3 = rotate(v3, 8) ^ v2
      v0 = (v0 + v3) | 0
      v3 = rotate(v3, 7) ^ v0
      v2 = (v2 + v1) | 0
      v1 = rotate(v1, 13) ^ v2
      v2 = rotate(v2, 16)
    }
    if (block < 3) v0 ^= word
  }
  return v1 ^ v3
}
