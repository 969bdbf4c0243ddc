import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '#libs/runtime/clock.ts'
import { createManualClock } from '../../../tests/support/manual-clock.ts'
import {
  CLOSED_URLS,
  HARMLESS_URLS,
  HOSTILE_NAMES,
  HOSTILE_URLS,
  PUBLIC_NAMES,
} from '../../../tests/support/webhooks/hostile-urls.ts'
import { checkAddress, isSameAddress, parseAllowEntry } from './allowed-address.ts'
import type { Network } from './guarded-connector.ts'
import { createWebhookSender } from './http-sender.ts'
import type { WebhookRules } from './validate-url.ts'

const allow = (...entries: string[]) => entries.map((entry) => parseAllowEntry(entry)!)
const STRICT: WebhookRules = { allow: [], allowHttp: false }
const LAX: WebhookRules = { allow: allow('public:*'), allowHttp: true }

type Recording = Network & { readonly dialled: string[]; readonly asked: string[] }

/** Asks and dials nobody: it only writes down what it was asked for. */
const recordingNetwork = (names: Readonly<Record<string, readonly string[]>>): Recording => {
  const dialled: string[] = []
  const asked: string[] = []
  return {
    dialled,
    asked,
    resolve: async (name) => {
      asked.push(name)
      const found = names[name.replace(/\.$/, '')]
      if (!found) throw new Error('ENOTFOUND')
      return found
    },
    dial: async (address, port) => {
      dialled.push(`${address} ${port}`)
      throw new Error('ECONNREFUSED')
    },
  }
}

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const sendTo = async (url: string, rules: WebhookRules, network: Network, clock = systemClock) => {
  const sender = createWebhookSender({ clock, rules, network })
  cleanups.push(sender.close)
  return sender.send({ url, headers: {}, body: Buffer.from('{}') })
}

/** A listener on loopback that no test may reach, and the bytes it got. */
const canary = async () => {
  const bytes: Buffer[] = []
  let connections = 0
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    connections++
    sockets.add(socket)
    socket.on('data', (chunk) => bytes.push(chunk))
    socket.on('error', () => {})
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { port, connections: () => connections, bytes: () => Buffer.concat(bytes).length }
}

test('the table of hostile URLs has 200 rows or more, none twice', () => {
  expect(HOSTILE_URLS.length).toBeGreaterThanOrEqual(200)
  expect(new Set(HOSTILE_URLS).size).toBe(HOSTILE_URLS.length)
})

test.each([
  ['as shipped', STRICT],
  ['with every port and http opened to public addresses', LAX],
])('no hostile URL is dialled %s', async (_, rules) => {
  const network = recordingNetwork({ ...PUBLIC_NAMES, ...HOSTILE_NAMES })
  for (const url of HOSTILE_URLS) {
    const result = await sendTo(url, rules, network)
    expect(network.dialled, url).toEqual([])
    expect(result.kind, url).toBe('failed')
    expect(JSON.stringify(result), url).not.toMatch(/\d+\.\d+\.\d+\.\d+|::/)
  }
})

test('a port or a scheme that the operator did not open is not dialled, and is when it was opened', async () => {
  const closed = recordingNetwork(PUBLIC_NAMES)
  for (const url of CLOSED_URLS)
    expect(await sendTo(url, STRICT, closed), url).toMatchObject({ reason: 'url_not_allowed' })
  expect(closed.dialled).toEqual([])
  expect(closed.asked).toEqual([])
  for (const url of CLOSED_URLS) {
    const open = recordingNetwork(PUBLIC_NAMES)
    await sendTo(url, LAX, open)
    expect(open.dialled.length, url).toBeGreaterThan(0)
  }
})

test('a harmless URL is dialled at the addresses of its name, on 443', async () => {
  for (const url of HARMLESS_URLS) {
    const network = recordingNetwork(PUBLIC_NAMES)
    expect(await sendTo(url, STRICT, network), url).toMatchObject({ reason: 'connection_failed' })
    expect(network.dialled.length, url).toBeGreaterThan(0)
    for (const dialled of network.dialled) expect(dialled, url).toMatch(/^(93\.184\.215\.14|2606:2800:.*) 443$/)
  }
})

test('a host name whose answer changes between two look-ups is dialled only at the address that was checked', async () => {
  for (const answers of [
    ['93.184.215.14', '127.0.0.1'],
    ['93.184.215.14', '10.0.0.1', '93.184.215.14', '::1'],
  ]) {
    const network = recordingNetwork({})
    let look = 0
    const rebinding = { ...network, resolve: async () => [answers[look++ % answers.length]!] }
    const sender = createWebhookSender({ clock: systemClock, rules: STRICT, network: rebinding })
    cleanups.push(sender.close)
    for (let call = 0; call < 8; call++)
      await sender.send({ url: 'https://rebinding.example.com/', headers: {}, body: Buffer.from('{}') })
    expect(look).toBe(8)
    expect(new Set(network.dialled)).toEqual(new Set(['93.184.215.14 443']))
  }
})

test('no byte is written to a peer other than the checked address', async () => {
  const inside = await canary()
  for (const url of ['https://public.example.com/', 'http://public.example.com:8080/']) {
    const network: Network = {
      resolve: async () => ['93.184.215.14'],
      dial: () =>
        new Promise((resolve) => {
          const socket = connectTcp({ host: '127.0.0.1', port: inside.port }, () => resolve(socket))
        }),
    }
    expect(await sendTo(url, LAX, network)).toMatchObject({ kind: 'failed', reason: 'address_not_allowed' })
  }
  expect(inside.bytes()).toBe(0)
})

test('proxy variables of the environment are ignored', async () => {
  const proxy = await canary()
  const before = { ...process.env }
  Object.assign(process.env, {
    HTTP_PROXY: `http://127.0.0.1:${proxy.port}`,
    HTTPS_PROXY: `http://127.0.0.1:${proxy.port}`,
    https_proxy: `http://127.0.0.1:${proxy.port}`,
    NODE_USE_ENV_PROXY: '1',
  })
  cleanups.push(async () => {
    process.env = before
  })
  const network = recordingNetwork(PUBLIC_NAMES)
  await sendTo('https://public.example.com/', STRICT, network)
  expect(network.dialled.length).toBeGreaterThan(0)
  expect(proxy.connections()).toBe(0)
})

test('the operator opens loopback at one port and nothing beside it', async () => {
  const rules = { allow: allow('127.0.0.1/32:9000'), allowHttp: true }
  const network = recordingNetwork({ 'inside.example.com': ['127.0.0.1'] })
  for (const url of ['http://127.0.0.1:9001/', 'http://127.0.0.2:9000/', 'http://10.0.0.1:9000/', 'https://127.0.0.1/'])
    await sendTo(url, rules, network)
  expect(network.dialled).toEqual([])
  await sendTo('http://inside.example.com:9000/', rules, network)
  expect(network.dialled).toEqual(['127.0.0.1 9000'])
})

test('a connection ends as connect_timeout after 5 s, a call as timeout after 15 s', async () => {
  const clock = createManualClock(0)
  const never: Network = { resolve: async () => ['93.184.215.14'], dial: () => new Promise(() => {}) }
  const connecting = sendTo('https://public.example.com/', STRICT, never, clock)
  await new Promise(setImmediate)
  clock.advance(5_000)
  expect(await connecting).toMatchObject({ reason: 'connect_timeout', latencyMs: 5_000 })
  const silent = await canary()
  const rules = { allow: allow('127.0.0.1/32:*'), allowHttp: true }
  const sender = createWebhookSender({ clock, rules })
  cleanups.push(sender.close)
  const calling = sender.send({ url: `http://127.0.0.1:${silent.port}/`, headers: {}, body: Buffer.from('{}') })
  while (silent.bytes() === 0) await new Promise(setImmediate)
  clock.advance(15_000)
  expect(await calling).toMatchObject({ reason: 'timeout', latencyMs: 15_000 })
})

test('a server without TLS is a tls_failed', async () => {
  const plain = createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 200 OK\r\n\r\n'))
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
  cleanups.push(async () => {
    plain.close()
  })
  const { port } = plain.address() as AddressInfo
  const sender = createWebhookSender({
    clock: systemClock,
    rules: { allow: allow('127.0.0.1/32:*'), allowHttp: false },
  })
  cleanups.push(sender.close)
  const result = await sender.send({ url: `https://127.0.0.1:${port}/`, headers: {}, body: Buffer.from('{}') })
  expect(result).toMatchObject({ kind: 'failed', reason: 'tls_failed' })
})

test('every IPv4 address inside is refused, however it is embedded in IPv6', () => {
  const inside = fc.constantFrom<[number, number]>(
    [0x7f000000, 8],
    [0x0a000000, 8],
    [0xac100000, 12],
    [0xc0a80000, 16],
    [0xa9fe0000, 16],
    [0x64400000, 10],
    [0x00000000, 8],
    [0xe0000000, 4],
    [0xf0000000, 4],
  )
  fc.assert(
    fc.property(inside, fc.nat(0xffffffff), ([base, bits], random) => {
      const number = (base | (random & (2 ** (32 - bits) - 1))) >>> 0
      const octets = [24, 16, 8, 0].map((shift) => (number >>> shift) & 255)
      const hex = `${((octets[0]! << 8) | octets[1]!).toString(16)}:${((octets[2]! << 8) | octets[3]!).toString(16)}`
      const forms = [
        octets.join('.'),
        `::ffff:${hex}`,
        `::${hex}`,
        `64:ff9b::${hex}`,
        `2002:${hex}::1`,
        `::ffff:0:${hex}`,
      ]
      for (const form of forms) expect(checkAddress(form, 443, LAX.allow).allowed, form).toBe(false)
    }),
  )
})

test('a list entry is a range with a port, or a port for public addresses', () => {
  for (const text of ['127.0.0.1/32:*', '10.0.0.0/8:9000', '[fd00::]/8:443', 'fd00::/8:443', 'public:8443'])
    expect(parseAllowEntry(text), text).toBeDefined()
  for (const text of [
    '',
    '127.0.0.1',
    '127.0.0.1/32',
    '127.0.0.1:80',
    '10.0.0.0/33:80',
    'public',
    'public:0',
    '10.0.0.0/8:65536',
  ])
    expect(parseAllowEntry(text), text).toBeUndefined()
  expect(isSameAddress('::ffff:127.0.0.1', '127.0.0.1')).toBe(true)
  expect(isSameAddress('::1', '127.0.0.1')).toBe(false)
})
