import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '#libs/runtime/clock.ts'

/** Longest wait for a client to notice that it need not send on. */
const CLOSE_AFTER_MS = 1_000

/**
 * Answers while the body still arrives, drops what comes, and closes the connection. The answer
 * is written at once but ended late: a connection closed with unread bytes is reset, and a client
 * that is still sending would lose the answer.
 */
export const answerEarly = (clock: Clock, request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply => {
  const answer = new Readable({ read: () => {} })
  let ended = false
  const end = (): void => {
    cancel()
    if (!ended) answer.push(null)
    ended = true
  }
  const cancel = clock.after(CLOSE_AFTER_MS, end)
  answer.push(text)
  request.raw.once('end', end).once('close', end).resume()
  return reply.header('connection', 'close').header('content-length', Buffer.byteLength(text)).send(answer)
}
