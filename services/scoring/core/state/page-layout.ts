/**
 * Page bits for that many entries at `perPage` a page: a page is rewritten whole when an entry
 * changes. Grows by four times the pages, so that pages are seldom laid out anew.
 */
export const growBits = (entries: number, bits: number, perPage: number): number => {
  let wanted = bits
  while (entries > 2 * perPage * 2 ** wanted) wanted += 2
  return wanted
}

/** The page of 2^bits that a key lies on. */
export const pageOfKey = (key: string, bits: number): number => (bits === 0 ? 0 : hashKey(key) & (2 ** bits - 1))

/** FNV-1a over UTF-16 units, then mixed, since only the low bits choose the page. */
const hashKey = (key: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  hash ^= hash >>> 15
  return Math.imul(hash, 0x2c1b3c6d) >>> 16
}
