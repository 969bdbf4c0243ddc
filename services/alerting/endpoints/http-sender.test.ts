import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { systemClock } from '#libs/runtime/clock.ts'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import { LOOPBACK_RULES } from '../../../tests/support/webhooks/deliveries.ts'
import { createWebhookSender } from './http-sender.ts'

const stops: (() => unknown)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

/** Answers each call by `answer`; counts the connections that were closed on it. */
const serve = async (answer: (response: ServerResponse) => void) => {
  let closed = 0
  const server = createServer((request, response) => {
    request.resume()
    response.on('close', () => closed++)
    answer(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stops.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  return { url, closed: () => closed }
}
const send = (url: string, clock = systemClock) => {
  const sender = createWebhookSender({ clock, rules: LOOPBACK_RULES })
  stops.push(sender.close)
  return sender.send({ url, headers: {}, body: Buffer.from('{}') })
}

test('an answer without end is read to 16 KB and cut off; its first 1 KB is kept', async () => {
  const server = await serve((response) => {
    response.writeHead(200)
    const more = (): void => {
      while (!response.destroyed && response.write('x'.repeat(4_096)));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  })
  const result = await send(server.url)
  expect(result).toMatchObject({ kind: 'answered', status: 200, answer: 'x'.repeat(1_024) })
  await vi.waitFor(() => expect(server.closed()).toBe(1))
})

test.each([
  [16_384, 'read whole, and its connection used again', (connections: number) => connections < 8],
  [1_000_000, 'cut off with its connection', (connections: number) => connections === 8],
])('an answer of %i bytes is %s', async (bytes, _, isRight) => {
  const ports = new Set<number>()
  const server = await serve((response) => {
    ports.add(response.socket!.remotePort!)
    response.end('y'.repeat(bytes))
  })
  const sender = createWebhookSender({ clock: systemClock, rules: LOOPBACK_RULES })
  stops.push(sender.close)
  for (let i = 0; i < 8; i++)
    expect(await sender.send({ url: server.url, headers: {}, body: Buffer.from('{}') })).toMatchObject({ status: 200 })
  expect([ports.size, isRight(ports.size)]).toEqual([ports.size, true])
})

test.each([
  ['whose answer trickles', (response: ServerResponse) => response.writeHead(200).write('x')],
  ['that never answers', () => {}],
])('a call %s ends after 15 s in all', async (_, answer) => {
  const clock = createManualClock(1_000)
  let called = 0
  const server = await serve((response) => {
    called++
    answer(response)
  })
  const result = send(server.url, clock)
  await vi.waitFor(() => expect(called).toBe(1))
  clock.advance(14_999)
  expect(server.closed()).toBe(0)
  clock.advance(1)
  expect(await result).toEqual({ kind: 'failed', reason: 'timeout', latencyMs: 15_000 })
  await vi.waitFor(() => expect(server.closed()).toBe(1))
})
