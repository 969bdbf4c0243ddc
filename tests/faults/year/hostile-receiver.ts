import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { createRandom } from '../story.ts'

/** What arrived under one webhook-id. */
export type Arrival = {
  readonly body: string
  readonly digest: string
  signedAt: number
  calls: number
  accepted: boolean
}

export type HostileReceiver = {
  readonly url: string
  readonly setSecret: (secret: string) => void
  readonly arrivals: ReadonlyMap<string, Arrival>
  readonly wrong: readonly string[]
  readonly counts: { calls: number; failed: number; hung: number; throttled: number }
  /** Calls that wait for an answer which never comes. */
  readonly hanging: () => number
  readonly stop: () => Promise<void>
}

const FAILED = 0.3
const HUNG = 0.004
const THROTTLED = 0.004
/** Between the sender's clock and what is known of it here. */
const SKEW_MS = 60_000
/**
 * Nothing is signed ahead of the sender's clock: two clocks of one machine run apart no further
 * than this between two jumps.
 */
const AHEAD_MS = 1_000
/** So that no delivery runs out of tries by bad luck. */
const LONGEST_RUN = 6

/**
 * Fails, hangs and asks for patience; keeps one body for each id and checks every call's signature
 * with two libraries, at one of the instants that the sender's clock may have shown.
 */
export const startHostileReceiver = async (seed: number, shown: () => readonly number[]): Promise<HostileReceiver> => {
  const random = createRandom(seed)
  const arrivals = new Map<string, Arrival>()
  const wrong: string[] = []
  const counts = { calls: 0, failed: 0, hung: 0, throttled: 0 }
  const hanging = new Set<ServerResponse>()
  const badRun = new Map<string, number>()
  let verifiers: readonly { verify: (body: string, headers: Record<string, string>) => unknown }[] = []

  const check = (id: string, body: string, headers: IncomingMessage['headers'], signedAt: number): void => {
    const [now, ...before] = shown() as [number, ...number[]]
    const sentAt = [now, ...before].find((at) => Math.abs(at - signedAt) < SKEW_MS)
    if (signedAt > now + AHEAD_MS || sentAt === undefined) {
      wrong.push(`webhook ${id} was signed at an instant its sender's clock did not show, ${now - signedAt} ms ago`)
      return
    }
    const realNow = Date.now
    // The libraries know no clock but the process's.
    Date.now = () => sentAt
    try {
      for (const verifier of verifiers) verifier.verify(body, headers as Record<string, string>)
    } catch (error) {
      wrong.push(`webhook ${id} has no good signature: ${(error as Error).message}`)
    } finally {
      Date.now = realNow
    }
  }

  const note = (id: string, body: string, signedAt: number): Arrival => {
    const digest = createHash('sha256').update(body).digest('base64')
    const known = arrivals.get(id)
    if (known && known.digest !== digest) wrong.push(`webhook ${id} came with two bodies`)
    // Each try is signed anew: receivers refuse what was signed minutes ago.
    if (known && signedAt < known.signedAt) wrong.push(`webhook ${id} came again with an earlier timestamp`)
    const arrival = known ?? { body, digest, signedAt, calls: 0, accepted: false }
    arrival.signedAt = signedAt
    arrival.calls++
    arrivals.set(id, arrival)
    return arrival
  }

  const misbehave = (id: string, response: ServerResponse): boolean => {
    const run = badRun.get(id) ?? 0
    const luck = random()
    if (run >= LONGEST_RUN || luck >= FAILED + HUNG + THROTTLED) {
      badRun.delete(id)
      return false
    }
    badRun.set(id, run + 1)
    if (luck < FAILED) {
      counts.failed++
      if (luck < FAILED / 3) response.destroy()
      else response.writeHead(500).end('not now')
    } else if (luck < FAILED + HUNG) {
      counts.hung++
      hanging.add(response)
      response.once('close', () => hanging.delete(response))
    } else {
      counts.throttled++
      response.writeHead(429, { 'retry-after': '2' }).end()
    }
    return true
  }

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString('utf8')
    const id = String(request.headers['webhook-id'])
    counts.calls++
    const signedAt = Number(request.headers['webhook-timestamp']) * 1_000
    check(id, body, request.headers, signedAt)
    const arrival = note(id, body, signedAt)
    if (misbehave(id, response)) return
    arrival.accepted = true
    response.writeHead(204).end()
  }

  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    setSecret: (secret) => {
      verifiers = [new StandardWebhook(secret), new SvixWebhook(secret)] as never
    },
    arrivals,
    wrong,
    counts,
    hanging: () => hanging.size,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
