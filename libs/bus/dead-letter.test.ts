import { describe, expect, it } from 'vitest'
import { deadLetterHeadersSchema } from '#libs/contracts/topics.ts'
import { PermanentError } from '#libs/runtime/errors.ts'
import { safeReason, toDeadLetter } from './dead-letter.ts'

describe('the reason of a dead letter', () => {
  it.each([
    ['connect postgres://pulso:s3cret@db:5432/pulso failed', 's3cret'],
    ['key pulso_live_abcdefgh_0123456789 is unknown', '0123456789'],
    ['signed with whsec_c2VjcmV0', 'c2VjcmV0'],
    ['{"password": "hunter2"}', 'hunter2'],
    ['Authorization: Bearer abc.def', 'abc.def'],
  ])('keeps no secret of %j', (message, secret) => {
    expect(safeReason(new Error(message))).not.toContain(secret)
  })

  it('says the error’s name and message, and is of bounded length', () => {
    expect(safeReason(new PermanentError('no such account'))).toBe('PermanentError: no such account')
    expect(safeReason('x'.repeat(100_000)).length).toBeLessThan(1_100)
  })
})

describe('a dead letter', () => {
  it('keeps key, bytes and headers, and says where it came from', () => {
    const value = Buffer.from([0xff, 0x00])
    const record = { key: 't:a', value, headers: { kind: 'event' }, offset: 41, timestampMs: 0 }
    const letter = toDeadLetter({ topic: 'usage.events', partition: 3 }, record, 'Error: no', 1_000)
    expect(letter.key).toBe('t:a')
    expect(letter.value).toBe(value)
    expect(letter.headers).toMatchObject({
      kind: 'event',
      'dead-partition': '3',
      'dead-offset': '41',
      'dead-version': '1',
    })
    expect(deadLetterHeadersSchema.parse(letter.headers)['dead-at']).toBe('1970-01-01T00:00:01.000Z')
  })
})
