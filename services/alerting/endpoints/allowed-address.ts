import ipaddr from 'ipaddr.js'

/** What an operator opens beyond public addresses on port 443. */
export type AllowEntry = {
  /** `public` opens a port for public addresses; a range opens its addresses, public or not. */
  readonly range: 'public' | readonly [ipaddr.IPv4 | ipaddr.IPv6, number]
  readonly port: number | '*'
}

export type AddressVerdict =
  | { readonly allowed: true; readonly reason: 'public' | 'operator' }
  | { readonly allowed: false; readonly reason: 'not_an_address' | 'not_public' | 'port' }

const HTTPS_PORT = 443

/** `10.0.0.0/8:9000`, `127.0.0.1/32:*`, `[fd00::]/8:443` or `public:8443`; else undefined. */
export const parseAllowEntry = (text: string): AllowEntry | undefined => {
  const match = /^(.+):(\*|\d{1,5})$/.exec(text.trim())
  if (!match) return undefined
  const port = match[2] === '*' ? ('*' as const) : Number(match[2])
  if (port !== '*' && (port < 1 || port > 65_535)) return undefined
  if (match[1] === 'public') return { range: 'public', port }
  const cidr = match[1]!.replace(/^\[(.+)\]/, '$1')
  return ipaddr.isValidCIDR(cidr) ? { range: ipaddr.parseCIDR(cidr), port } : undefined
}

const opensPort = (entry: AllowEntry, port: number): boolean => entry.port === '*' || entry.port === port

/** Whether any address could be called on this port. */
export const isPortOpen = (port: number, allow: readonly AllowEntry[]): boolean =>
  port === HTTPS_PORT || allow.some((entry) => opensPort(entry, port))

/**
 * Public is global unicast, after `::ffff:a.b.c.d` is unwrapped, without addresses that could lead
 * inside: NAT64, 6to4, Teredo, the deprecated `::/96`, a cloud's host. By hand on `ipaddr.js`:
 * `request-filtering-agent` 3.2 knows no ports and lets a cloud's host pass (2026-11-30).
 */
export const checkAddress = (address: string, port: number, allow: readonly AllowEntry[]): AddressVerdict => {
  // Zones (`fe80::1%eth0`) name an interface of this machine.
  if (address.includes('%') || !ipaddr.isValid(address)) return { allowed: false, reason: 'not_an_address' }
  if (ipaddr.IPv4.isValid(address) && !ipaddr.IPv4.isValidFourPartDecimal(address))
    return { allowed: false, reason: 'not_an_address' }
  const ip = ipaddr.process(address)
  const opened = allow.filter((entry) => opensPort(entry, port))
  if (opened.some(({ range }) => range !== 'public' && range[0].kind() === ip.kind() && ip.match([...range])))
    return { allowed: true, reason: 'operator' }
  if (!isPublic(ip)) return { allowed: false, reason: 'not_public' }
  if (port === HTTPS_PORT || opened.some(({ range }) => range === 'public')) return { allowed: true, reason: 'public' }
  return { allowed: false, reason: 'port' }
}

const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]
/** Azure's host: reachable from each of its machines only. */
const CLOUD_HOST = '168.63.129.16'

const isPublic = (ip: ipaddr.IPv4 | ipaddr.IPv6): boolean => {
  if (ip.range() !== 'unicast') return false
  return ip.kind() === 'ipv4' ? ip.toString() !== CLOUD_HOST : (ip as ipaddr.IPv6).match(GLOBAL_UNICAST)
}

/** Two spellings of one address are the same address. */
export const isSameAddress = (a: string, b: string): boolean =>
  ipaddr.isValid(a) &&
  ipaddr.isValid(b) &&
  ipaddr.process(a).toNormalizedString() === ipaddr.process(b).toNormalizedString()
