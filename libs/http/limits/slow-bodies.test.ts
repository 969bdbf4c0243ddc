import Fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import { endSlowBodies } from './slow-bodies.ts'

test('an injected request is not slow, whatever second ends while it is read', async () => {
  const app = Fastify()
  onTestFinished(() => app.close())
  const clock = createManualClock(0)
  endSlowBodies(app, clock)
  app.addHook('preParsing', async () => clock.advance(1_000))
  app.post('/', async ({ body }) => body)
  const answer = await app.inject({ method: 'POST', url: '/', payload: { n: 1 } })
  expect([answer.statusCode, answer.json()]).toEqual([200, { n: 1 }])
})
