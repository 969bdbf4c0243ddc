export const SCOPES = ['ingest', 'read', 'write', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** The caller, as proved by the key. Every store takes `tenantId` only from here. */
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
  /**
   * Undefined for a key not in force. Throws 401 for the development key from another machine, 403
   * `tenant_suspended` for a key of a suspended tenant.
   */
  readonly authenticate: (key: string, peerAddress: string) => Promise<Principal | undefined>
}
