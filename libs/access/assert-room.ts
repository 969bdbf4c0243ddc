import type { Sql } from '#libs/postgres/database.ts'
import { RequestError } from '#libs/runtime/errors.ts'

/** What a tenant may have of each kind. What exists beyond it stays and works. */
export const MOST_OF_TENANT = {
  rules: 200,
  silences: 1_000,
  'webhook endpoints': 50,
  keys: 100,
  'unpublished model versions': 1_000,
} as const

type Room = { readonly tenantId: string; readonly kind: keyof typeof MOST_OF_TENANT }

/**
 * Throws 422 when the tenant has as many as it may. Until the transaction ends, other creations of
 * the kind wait: the count they read holds.
 */
export const assertRoom = async (tx: Sql, { tenantId, kind }: Room, count: (tx: Sql) => Promise<number>) => {
  await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 1))', [`${kind} of ${tenantId}`])
  if ((await count(tx)) < MOST_OF_TENANT[kind]) return
  const detail = `A tenant has at most ${MOST_OF_TENANT[kind]} ${kind}`
  throw new RequestError(422, 'too_many', detail, [{ pointer: '', code: 'too_many', detail }])
}

/** The number in the one row of a `select count(*) as count`. */
export const countOf = async (tx: Sql, text: string, params: readonly unknown[]): Promise<number> =>
  (await tx.query<{ count: number }>(text, params))[0]!.count
