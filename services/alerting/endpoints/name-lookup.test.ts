import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '#libs/runtime/clock.ts'
import { LOOPBACK_RULES } from '../../../tests/support/webhooks/deliveries.ts'
import { startWebhookReceiver } from '../../../tests/support/webhooks/webhook-receiver.ts'
import { systemNetwork } from './guarded-connector.ts'
import { createWebhookSender } from './http-sender.ts'
import { createNameLookup } from './name-lookup.ts'

const A = 1

/** A name server on loopback. Knows `known.test` as 127.0.0.1; is silent about `*.silent.test`. */
const startNameServer = async () => {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const labels: string[] = []
    let at = 12
    for (let length = query[at]!; length > 0; length = query[at]!) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += length + 1
    }
    const name = labels.join('.')
    asked.push(name)
    if (name.endsWith('.silent.test')) return
    const isKnown = name === 'known.test'
    const hasAnswer = isKnown && query.readUInt16BE(at + 1) === A
    const head = Buffer.from([
      query[0]!,
      query[1]!,
      0x81,
      isKnown ? 0x80 : 0x83,
      0,
      1,
      0,
      hasAnswer ? 1 : 0,
      0,
      0,
      0,
      0,
    ])
    const answer = hasAnswer ? [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1] : []
    socket.send(Buffer.concat([head, query.subarray(12, at + 5), Buffer.from(answer)]), from.port, from.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  onTestFinished(() => void socket.close())
  return { asked, server: `127.0.0.1:${socket.address().port}` }
}

const hostsFileOf = async (text: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'pulso-hosts-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'hosts'), text)
  return join(folder, 'hosts')
}

test('a name server that never answers delays no delivery to another host, nor the rest of the process', async () => {
  const { server, asked } = await startNameServer()
  const hostsFile = await hostsFileOf('127.0.0.1 hook.test # the receiver\n')
  const resolve = createNameLookup({ clock: systemClock, servers: [server], hostsFile })
  const network = { ...systemNetwork(systemClock), resolve }
  const sender = createWebhookSender({ clock: systemClock, rules: LOOPBACK_RULES, network })
  onTestFinished(sender.close)
  const receiver = await startWebhookReceiver()
  onTestFinished(receiver.stop)
  const { port } = new URL(receiver.url)
  const send = (host: string) => sender.send({ url: `http://${host}:${port}/`, headers: {}, body: Buffer.from('{}') })
  const silent = Array.from({ length: 64 }, (_, index) => send(`n${index}.silent.test`))
  await expect.poll(() => asked.length).toBeGreaterThanOrEqual(64)
  const startedAt = performance.now()
  expect(await Promise.all(['hook.test', 'known.test', 'localhost'].map(send))).toMatchObject([
    { status: 200 },
    { status: 200 },
    { status: 200 },
  ])
  await lookup('localhost')
  expect(performance.now() - startedAt).toBeLessThan(1_000)
  const ended = await Promise.all(silent)
  expect(new Set(ended.map((result) => result.kind === 'failed' && result.reason))).toEqual(
    new Set(['name_not_resolved']),
  )
  expect(Math.max(...ended.map(({ latencyMs }) => latencyMs))).toBeLessThan(4_500)
})

test('look-ups of one name are one, and its answer or absence stands for seconds only', async () => {
  const { server, asked } = await startNameServer()
  let now = 0
  const clock = { ...systemClock, now: () => now }
  const resolve = createNameLookup({ clock, servers: [server], hostsFile: await hostsFileOf('') })
  const twice = await Promise.all([resolve('known.test'), resolve('KNOWN.test.')])
  expect(twice).toEqual([['127.0.0.1'], ['127.0.0.1']])
  await expect(resolve('unknown.test')).rejects.toThrow('no address')
  await expect(resolve('unknown.test')).rejects.toThrow('no address')
  // An A and an AAAA record of each.
  expect(asked.filter((name) => name === 'known.test')).toHaveLength(2)
  expect(asked.filter((name) => name === 'unknown.test')).toHaveLength(2)
  now = 5_000
  await resolve('known.test')
  expect(asked.filter((name) => name === 'known.test')).toHaveLength(4)
})
