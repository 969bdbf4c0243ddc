import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readInstant } from './read-instant.ts'

it('cuts whatever follows the milliseconds, however long and wherever the zone', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 999 }),
      fc.stringMatching(/^\d{0,20}$/),
      fc.constantFrom('Z', '+00:00'),
      (millis, further, zone) => {
        const text = `2026-11-22T10:00:00.${String(millis).padStart(3, '0')}${further}${zone}`
        expect(readInstant(text)).toBe(Date.UTC(2026, 10, 22, 10, 0, 0, millis))
      },
    ),
  )
})
