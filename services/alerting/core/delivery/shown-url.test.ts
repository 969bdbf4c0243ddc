import { expect, test } from 'vitest'
import { hidesItsPath, shownUrl } from './shown-url.ts'

test.each([
  ['https://hooks.slack.com/services/T0/B0/abcXy9', 'https://hooks.slack.com/…Xy9'],
  ['https://hooks.example.com:8443/in?token=s3cret', 'https://hooks.example.com:8443/…ret'],
  ['https://hooks.example.com/short', 'https://hooks.example.com/…'],
  ['https://hooks.example.com/?k=12345678', 'https://hooks.example.com/…678'],
  ['https://hooks.example.com/', 'https://hooks.example.com/'],
  ['https://hooks.example.com', 'https://hooks.example.com/'],
])('%s is shown as %s', (url, shown) => {
  expect(shownUrl(url)).toBe(shown)
  expect(hidesItsPath(url)).toBe(false)
  expect(hidesItsPath(shown)).toBe(shown.includes('…'))
})
