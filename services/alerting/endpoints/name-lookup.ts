import { Resolver } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import type { Clock } from '#libs/runtime/clock.ts'

/** All addresses of a name; rejects when it has none, or none came in time. */
export type LookUpName = (name: string) => Promise<readonly string[]>

type LookupDeps = {
  readonly clock: Clock
  readonly hostsFile?: string
  /** Name servers other than the system's, as `127.0.0.1:53`. */
  readonly servers?: readonly string[]
}

const SERVER_MS = 2_000
const TRIES = 2
/** Of a look-up in all, so that time to connect is left. */
const LOOKUP_MS = 3_000
/** An answer, or its absence, stands so long. Every connection judges the addresses anew. */
const KEPT_MS = 5_000
const MOST_KEPT = 1_000

type Kept = { readonly until: number; readonly addresses: Promise<readonly string[]> }

/**
 * Looks names up by sockets of its own. `dns.lookup` waits in the four threads of libuv, where a
 * name server that never answers holds up all other names and files. Look-ups of one name are one.
 * Each belongs to a call: the shares of tenants in calls bound them too. By hand: undici's `dns`
 * interceptor 8.13 asks `dns.lookup`; `cacheable-lookup` 7.0 falls back to it and reads
 * no hosts file (2026-11-30).
 */
export const createNameLookup = ({ clock, hostsFile = '/etc/hosts', servers }: LookupDeps): LookUpName => {
  const kept = new Map<string, Kept>()
  let hosts: { readonly until: number; readonly addresses: ReadonlyMap<string, readonly string[]> } | undefined

  const fromHosts = (name: string): readonly string[] | undefined => {
    // As a URL with this name is judged.
    if (/^(.+\.)?localhost$/.test(name)) return ['127.0.0.1']
    const now = clock.now()
    if (!hosts || now >= hosts.until) hosts = { until: now + KEPT_MS, addresses: readHosts(hostsFile) }
    return hosts.addresses.get(name)
  }

  const ask = async (name: string): Promise<readonly string[]> => {
    const resolver = new Resolver({ timeout: SERVER_MS, tries: TRIES })
    if (servers) resolver.setServers(servers)
    const stop = clock.after(LOOKUP_MS, () => resolver.cancel())
    try {
      const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
      const addresses = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
      if (addresses.length > 0) return addresses
      throw new Error('no address', { cause: answers.find((answer) => answer.status === 'rejected')?.reason })
    } finally {
      stop()
    }
  }

  return async (text) => {
    const name = text.toLowerCase().replace(/\.$/, '')
    const fixed = fromHosts(name)
    if (fixed) return fixed
    const known = kept.get(name)
    if (known && clock.now() < known.until) return known.addresses
    const addresses = ask(name)
    kept.delete(name)
    kept.set(name, { until: clock.now() + LOOKUP_MS + KEPT_MS, addresses })
    const keep = () => kept.set(name, { until: clock.now() + KEPT_MS, addresses })
    addresses.then(keep, keep)
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!)
    return addresses
  }
}

/** Read at once: it is small, and reading later would wait in libuv's threads. */
const readHosts = (file: string): ReadonlyMap<string, readonly string[]> => {
  const addresses = new Map<string, string[]>()
  for (const line of textOf(file).split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/)
    for (const name of names) addresses.set(name, [...(addresses.get(name) ?? []), address!])
  }
  return addresses
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
