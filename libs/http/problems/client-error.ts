import type { Socket } from 'node:net'
import { newId } from '#libs/runtime/ids.ts'
import { PROBLEM_TYPE, type ProblemOptions, problem } from './problem.ts'

const describe = (code: string | undefined): ProblemOptions => {
  if (code === 'HPE_HEADER_OVERFLOW')
    return { status: 431, code: 'headers_too_large', detail: 'The headers are too large' }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return { status: 408, code: 'request_timeout', detail: 'The request took too long to arrive' }
  return { status: 400, code: 'malformed_http', detail: 'This is not HTTP/1.1' }
}

/** Answers bytes that Node's parser refuses, then closes the connection. */
export const answerMalformedHttp = (error: Error & { code?: string }, socket: Socket): void => {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.destroyed) {
    socket.destroy()
    return
  }
  const options = describe(error.code)
  const answer = problem(options, newId())
  const body = JSON.stringify(answer)
  socket.end(
    `HTTP/1.1 ${answer.status} ${answer.title}\r\ncontent-type: ${PROBLEM_TYPE}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    () => socket.destroy(),
  )
}
