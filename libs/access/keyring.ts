export const SCOPES = ['ingest', 'read', 'write', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** Who is calling, as proved by the key. Every store takes `tenantId` from here and nowhere else. */
export type Principal = {
  readonly tenantId: string
  readonly keyId: string
  /** The key's name: default `source` of its events, author of its changes. */
  readonly name: string
  readonly scopes: readonly Scope[]
  /** May manage tenants. */
  readonly operator: boolean
}

export type Keyring = {
  /** The key's principal; undefined for an unknown, malformed, expired or revoked key, and for the development key from a peer outside loopback. */
  readonly authenticate: (key: string, peerAddress: string) => Promise<Principal | undefined>
}
