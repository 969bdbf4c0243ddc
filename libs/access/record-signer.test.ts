import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createRecordSigner } from './record-signer.ts'

const KEY = Buffer.alloc(32, 7)
const OTHER = Buffer.alloc(32, 8)
const AT = Date.UTC(2026, 10, 22, 10, 0, 0, 7)
const tenant = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/)
const instant = fc.integer({ min: 0, max: 4e12 })

it('gives back the instant that it signed, for that kind and tenant only', () => {
  fc.assert(
    fc.property(tenant, tenant, instant, (mine, other, at) => {
      const signer = createRecordSigner(KEY)
      const header = signer.sign('event', mine, at)
      for (const again of [1, 2])
        expect([again, signer.verify('event', mine, header)]).toEqual([again, { at, text: new Date(at).toISOString() }])
      expect(signer.verify('evaluate', mine, header)).toBeUndefined()
      if (other !== mine) expect(signer.verify('event', other, header)).toBeUndefined()
    }),
  )
})

it('believes no header in which one character is another', () => {
  const { 'signed-at': header = '' } = createRecordSigner(KEY).sign('event', 'default', AT)
  const changed = fc.tuple(fc.nat({ max: header.length - 1 }), fc.constantFrom(...'0Az-_.Z')).map(([place, letter]) => {
    const text = header.slice(0, place) + letter + header.slice(place + 1)
    return text
  })
  fc.assert(
    fc.property(fc.oneof(changed, fc.string(), fc.constant(header.slice(0, -1)), fc.constant(`${header}A`)), (text) => {
      const isSame = Buffer.from(text.slice(25), 'base64url').equals(Buffer.from(header.slice(25), 'base64url'))
      if (text.slice(0, 25) === header.slice(0, 25) && isSame) return
      expect(createRecordSigner(KEY).verify('event', 'default', { 'signed-at': text })).toBeUndefined()
    }),
  )
})

it('believes what a former key signed, and nothing that a stranger’s key signed', () => {
  const header = createRecordSigner(OTHER).sign('event', 'default', AT)
  expect(createRecordSigner(KEY, [OTHER]).verify('event', 'default', header)).toMatchObject({ at: AT })
  expect(createRecordSigner(KEY).verify('event', 'default', header)).toBeUndefined()
})
