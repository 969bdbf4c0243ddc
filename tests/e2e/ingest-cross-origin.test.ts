import { connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { ingestConfigSchema } from '../../services/ingest/config.ts'
import { createRecordingBus } from '../support/bus/recording-bus.ts'
import { eventually } from '../support/eventually.ts'
import { startIngest } from '../support/ingest/ingest-server.ts'

const start = async (environment: Record<string, string> = {}): Promise<string> => {
  const { app, base } = await startIngest(createRecordingBus(), undefined, { environment })
  onTestFinished(() => app.close())
  return base
}
const ORIGIN = 'https://app.example.com'
const asks = {
  origin: ORIGIN,
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'x-retry-count',
}
const preflight = (url: string, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'OPTIONS', headers: { ...asks, ...headers } })
const originOf = ({ headers }: Response) => headers.get('access-control-allow-origin')

it.each(['/v1/events', '/e/', '/e', '/i/v0/e', '/v1/t', '/v1/batch'])('a page may send to %s', async (path) => {
  const answer = await preflight((await start()) + path)
  expect([answer.status, originOf(answer)]).toEqual([204, '*'])
  expect(answer.headers.get('access-control-allow-methods')).toContain('POST')
  expect(answer.headers.get('access-control-allow-headers')).toBe('x-retry-count')
  expect(answer.headers.get('access-control-allow-credentials')).toBe(null)
})
it('a page may read every answer, a refusal too', async () => {
  const base = await start()
  for (const [key, status] of [
    ['tenant-a', 422],
    ['wrong', 401],
  ] as const) {
    const headers = { origin: ORIGIN, authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const answer = await fetch(`${base}/v1/events`, { method: 'POST', headers, body: '{}' })
    expect([answer.status, originOf(answer)]).toEqual([status, '*'])
    expect(answer.headers.get('cross-origin-resource-policy')).toBe('cross-origin')
  }
})
it('other routes answer no preflight, and unknown paths stay 404', async () => {
  const base = await start()
  const answers = await Promise.all(['/livez', '/openapi.json', '/nope'].map((path) => preflight(base + path)))
  expect(answers.map(({ status }) => status)).toEqual([405, 405, 404])
  expect(answers.map(originOf)).toEqual([null, null, null])
})
it('a list narrows to its origins, and none shuts the door to pages', async () => {
  const listed = await start({ PULSO_CORS_ORIGINS: 'https://other.example, https://App.Example.com/' })
  const answer = await preflight(`${listed}/e/`)
  expect([originOf(answer), answer.headers.get('vary')]).toEqual([ORIGIN, 'origin'])
  expect(originOf(await preflight(`${listed}/e/`, { origin: 'https://evil.example' }))).toBe(null)
  const shut = await preflight(`${await start({ PULSO_CORS_ORIGINS: 'none' })}/e/`)
  expect([shut.status, originOf(shut)]).toEqual([405, null])
})
it.each(['app.example.com', 'https://app.example.com/path', 'https://*.example.com', '*,none'])(
  'the setting %s is refused',
  (value) => {
    expect(ingestConfigSchema.safeParse({ PULSO_CORS_ORIGINS: value }).error?.message).toContain('must be *, none')
  },
)
it('a preflight is answered before a body that it announces', async () => {
  const socket = connect({ port: Number(new URL(await start()).port), host: '127.0.0.1' })
  onTestFinished(() => void socket.destroy())
  let read = ''
  socket.on('data', (chunk) => {
    read += chunk.toString()
  })
  socket.write('OPTIONS /e/ HTTP/1.1\r\nhost: a\r\ncontent-type: text/plain\r\ncontent-length: 1000000\r\n\r\na')
  await eventually('it is answered', () => read !== '')
  expect(read).toMatch(/^HTTP\/1\.1 200 .*connection: close/s)
})
