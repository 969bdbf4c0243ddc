import { createHmac, timingSafeEqual } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { toInstant } from '#libs/runtime/clock.ts'

/** Header of records on `usage.events` that Pulso's own processes write: `<instant>.<HMAC>`. */
const SIGNED_AT = 'signed-at'

export type SignedKind = 'event' | 'evaluate'

/** When a process of this installation took an event in, or made a command. */
export type SignedInstant = {
  /** Epoch milliseconds. */
  readonly at: number
  /** RFC 3339, UTC, milliseconds. */
  readonly text: string
}

type Headers = Readonly<Record<string, string>>

export type RecordSigner = {
  /** The header that the records of a tenant at an instant have beside their others. */
  readonly sign: (kind: SignedKind, tenantId: string, atMs: number) => Headers
  /** Undefined unless a key of this installation signed these headers for this kind and tenant. */
  readonly verify: (kind: SignedKind, tenantId: string, headers: Headers) => SignedInstant | undefined
}

type Checked = {
  readonly header: string
  readonly kind: SignedKind
  readonly tenantId: string
  readonly signed: SignedInstant
}

const MAC_BYTES = 16
const INSTANT_LENGTH = toInstant(0).length
/** Headers that were checked lately: the events of a request share one. */
const MAX_CHECKED = 4_096

const derive = (key: Buffer): Buffer => createHmac('sha256', key).update('pulso signed records').digest()

/**
 * HMAC-SHA-256 with a key derived from the installation's encryption key. `formerKeys` verify too:
 * records outlive the rotation of a key. The HMAC covers kind, tenant and instant, not the event:
 * whoever can read the topic can reuse an instant at which that tenant was really heard.
 */
export const createRecordSigner = (key: Buffer, formerKeys: readonly Buffer[] = []): RecordSigner => {
  const keys = [key, ...formerKeys].map(derive)
  const checked = new LRUCache<string, Checked>({ max: MAX_CHECKED })
  // Records that follow each other mostly share their header: comparing it is all they cost.
  let last: Checked | undefined

  const macOf = (by: Buffer, kind: SignedKind, tenantId: string, instant: string): Buffer =>
    createHmac('sha256', by).update(`${kind}\n${tenantId}\n${instant}`).digest().subarray(0, MAC_BYTES)

  const check = (kind: SignedKind, tenantId: string, header: string): SignedInstant | undefined => {
    const text = header.slice(0, INSTANT_LENGTH)
    const at = Date.parse(text)
    if (Number.isNaN(at) || toInstant(at) !== text || header[INSTANT_LENGTH] !== '.') return undefined
    const given = Buffer.from(header.slice(INSTANT_LENGTH + 1), 'base64url')
    if (given.length !== MAC_BYTES) return undefined
    const isKnown = keys.some((by) => timingSafeEqual(macOf(by, kind, tenantId, text), given))
    return isKnown ? { at, text } : undefined
  }

  return {
    sign: (kind, tenantId, atMs) => {
      const instant = toInstant(atMs)
      const mac = macOf(keys[0]!, kind, tenantId, instant).toString('base64url')
      return { [SIGNED_AT]: `${instant}.${mac}` }
    },
    verify: (kind, tenantId, { [SIGNED_AT]: header }) => {
      if (header === undefined) return undefined
      const known = header === last?.header ? last : checked.get(header)
      if (known?.tenantId === tenantId && known.kind === kind) {
        last = known
        return known.signed
      }
      const signed = check(kind, tenantId, header)
      if (signed !== undefined) checked.set(header, { header, kind, tenantId, signed })
      return signed
    },
  }
}
