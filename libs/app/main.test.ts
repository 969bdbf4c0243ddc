import { expect, test } from 'vitest'
import { readyLine } from './main.ts'

test('a person at a terminal reads in one line where Pulso is, and where the key of embedded mode is', () => {
  const address = 'http://127.0.0.1:8080'
  expect(readyLine({ address, developmentKey: 'secret', keyFile: '.pulso/dev-key' })).toBe(
    'Pulso is ready at http://127.0.0.1:8080, API documentation: http://127.0.0.1:8080/docs, key: .pulso/dev-key\n',
  )
  expect(readyLine({ address })).not.toContain('key')
})
