import type { Sealer } from '#libs/access/seal-secret.ts'
import { isPlaceholder, placeholderOf } from '../core/delivery/shown-url.ts'

/** A URL as its row holds it. `url` is the URL itself unless it is a placeholder. */
export type StoredUrl = { readonly url: string; readonly urlSealed: Buffer | null }

export type UrlSeal = {
  readonly store: (url: string, endpointId: string) => StoredUrl
  /** Undefined when no known key opens it. A plain `url` is newer: older code has written it. */
  readonly open: (stored: StoredUrl, endpointId: string) => string | undefined
  /** The first bytes of what is sealed now; null: URLs are stored plain. */
  readonly keyId: Buffer | null
}

/** Not the context of the signing secrets: a secret moved into the place of a URL does not open. */
const contextOf = (endpointId: string): string => `url of ${endpointId}`

/** Without `seals`, URLs are opened and stored plain again, as code from before can call them. */
export const createUrlSeal = (sealer: Sealer, { seals }: { readonly seals: boolean }): UrlSeal => ({
  store: (url, endpointId) =>
    seals
      ? { url: placeholderOf(url), urlSealed: sealer.seal(Buffer.from(url), contextOf(endpointId)) }
      : { url, urlSealed: null },
  open: ({ url, urlSealed }, endpointId) => {
    if (!isPlaceholder(url)) return url
    return urlSealed === null ? undefined : sealer.open(urlSealed, contextOf(endpointId))?.toString()
  },
  keyId: seals ? sealer.keyId : null,
})
