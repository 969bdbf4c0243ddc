import ipaddr from 'ipaddr.js'

/** A CIDR; of an address alone, the range that holds only it. Undefined for anything else. */
export const parseRange = (text: string): string | undefined => {
  if (ipaddr.isValidCIDR(text)) return text
  if (!ipaddr.isValid(text) || !/[.:]/.test(text)) return undefined
  return `${text}/${ipaddr.parse(text).kind() === 'ipv4' ? 32 : 128}`
}

/** Whether the peer is one of the proxies. */
export const isTrusted = (ranges: readonly string[]): ((address: string | undefined) => boolean) => {
  const parsed = ranges.map((range) => ipaddr.parseCIDR(range))
  return (address) => {
    if (address === undefined || !ipaddr.isValid(address)) return false
    const peer = ipaddr.process(address)
    return parsed.some(([range, bits]) => range.kind() === peer.kind() && peer.match(range, bits))
  }
}
