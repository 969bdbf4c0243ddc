import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSealer } from './seal-secret.ts'

const key = randomBytes(32)

test('a sealed secret opens with its key and where it was put, and nowhere else', () => {
  const sealer = createSealer(key)
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 24, maxLength: 64 }), fc.uuid(), (bytes, endpointId) => {
      const secret = Buffer.from(bytes)
      const sealed = sealer.seal(secret, endpointId)
      expect(sealer.open(sealed, endpointId)).toEqual(secret)
      expect(sealer.open(sealed, 'another endpoint')).toBeUndefined()
      expect(createSealer(randomBytes(32)).open(sealed, endpointId)).toBeUndefined()
      expect(sealed.includes(secret)).toBe(false)
      expect(sealer.seal(secret, endpointId)).not.toEqual(sealed)
    }),
  )
})

test('a changed or cut byte does not open', () => {
  const sealer = createSealer(key)
  const sealed = sealer.seal(Buffer.alloc(32, 1), 'a')
  for (let index = 0; index < sealed.length; index++) {
    const changed = Buffer.from(sealed)
    changed[index]! ^= 1
    expect(sealer.open(changed, 'a')).toBeUndefined()
    expect(sealer.open(sealed.subarray(0, index), 'a')).toBeUndefined()
  }
})
