import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hideUrl } from './hide-url.ts'

const URL = 'https://hooks.example.com/services/T0/B0CANARY9?token=s3cret-Xy9&k=1'

test.each([
  ['Cannot POST /services/T0/B0CANARY9?token=s3cret-Xy9&k=1', 'Cannot POST …'],
  ['<pre>Cannot POST /services/T0/B0CANARY9?token=s3cret-Xy9&amp;k=1</pre>', '<pre>Cannot POST …</pre>'],
  ['{"path":"\\/services\\/T0\\/B0CANARY9"}', '{"path":"…"}'],
  ['no hook %2Fservices%2FT0%2FB0CANARY9', 'no hook …'],
  ['token s3cret-Xy9 is unknown to services', 'token … is unknown to …'],
  ['no_service', 'no_service'],
])('%s is kept as %s', (answer, kept) => expect(hideUrl(answer, URL)).toBe(kept))

test('a bare path hides nothing', () => expect(hideUrl('/ is / ok', 'https://a.test/')).toBe('/ is / ok'))

test('no answer keeps a path or a query of its URL', () => {
  const word = fc.stringMatching(/^[a-zA-Z0-9_-]{8,20}$/)
  fc.assert(
    fc.property(word, word, fc.string(), fc.string(), (path, query, before, after) => {
      const url = `https://a.test/${path}?t=${query}`
      const kept = hideUrl(`${before}/${path}?t=${query}${after} ${query} ${path}`, url)
      expect(kept).not.toContain(path)
      expect(kept).not.toContain(query)
    }),
  )
})
