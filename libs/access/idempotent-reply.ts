import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { idempotencyKeyOf } from '#libs/http/idempotency-key.ts'
import type { Database, Sql } from '#libs/postgres/database.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import { findAnswer, lockAnswer, type StoredAnswer, saveAnswer } from './idempotency-store.ts'
import type { Sealer } from './seal-secret.ts'

export type IdempotentReplyDeps = { readonly database: Database; readonly sealer: Sealer }

type Exchange<Reply> = { readonly request: FastifyRequest; readonly reply: Reply; readonly status: number }

export type IdempotentReply = <Reply extends object>(
  exchange: Exchange<Reply>,
  work: (tx: Sql) => Promise<unknown>,
) => Promise<Reply>

const hashOf = (request: FastifyRequest): Buffer =>
  createHash('sha256')
    .update(JSON.stringify([request.url, request.body ?? null]))
    .digest()

/**
 * Answers routes with `config.idempotent`. `work` runs in one transaction, which also keeps
 * the answer of a request with an `Idempotency-Key` for 24 hours. The same request then gets the
 * same status and bytes and changes nothing. Another request with the key gets 422, a request
 * during the first gets 409. A failed request keeps nothing: its key may be used again.
 */
export const createIdempotentReply = ({ database, sealer }: IdempotentReplyDeps): IdempotentReply => {
  const bytesOf = ({ requestHash, sealed }: StoredAnswer, request: FastifyRequest, answerId: string): Buffer => {
    if (!requestHash.equals(hashOf(request)))
      throw new RequestError(422, 'idempotency_key_reused', 'This Idempotency-Key was used with another request')
    const bytes = sealer.open(sealed, answerId)
    if (bytes) return bytes
    throw new RequestError(409, 'already_done', 'This was done before, but its answer can no longer be read')
  }

  return async <Reply extends object>(exchange: Exchange<Reply>, work: (tx: Sql) => Promise<unknown>) => {
    const { request, status } = exchange
    const reply = exchange.reply as unknown as FastifyReply
    const send = (payload: unknown) =>
      reply.code(status).header('cache-control', 'no-store').send(payload) as unknown as Reply
    const key = idempotencyKeyOf(request)
    if (key === undefined) return send(await database.transaction(work))
    const { tenantId } = request.principal
    const answerId = derivedId('idempotent answer', tenantId, `${request.method} ${request.routeOptions.url}`, key)
    const bytes = await database.transaction(async (tx) => {
      if (!(await lockAnswer(tx, answerId)))
        throw new RequestError(409, 'in_progress', 'A request with this Idempotency-Key is under way')
      const kept = await findAnswer(tx, tenantId, answerId)
      if (kept) {
        reply.header('idempotent-replayed', 'true')
        return bytesOf(kept, request, answerId)
      }
      const made = Buffer.from(reply.code(status).serialize(await work(tx)) as string)
      const sealed = sealer.seal(made, answerId)
      await saveAnswer(tx, { tenantId, answerId }, { requestHash: hashOf(request), status, sealed })
      return made
    })
    reply.type('application/json; charset=utf-8')
    return send(bytes.toString('utf8'))
  }
}
