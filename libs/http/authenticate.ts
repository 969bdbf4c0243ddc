import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Keyring, type Principal, SCOPES, type Scope } from '#libs/access/keyring.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { peerOf } from './local-peer.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route. Every route declares it, or the server does not start. */
    scope?: 'public' | Scope
    /** The route finds the key in its body, or only where no header has one, and authenticates. */
    keyInBody?: boolean | 'without_header'
  }
  interface FastifyRequest {
    /** Set on every route that is not public. */
    principal: Principal
  }
}

/** `Bearer <key>`, or Basic with the key as user name, else as password (analytics clients). */
export const keyFromHeader = (header: string | undefined): string | undefined => {
  const match = /^(bearer|basic) +([^\s]+)$/i.exec(header?.trim() ?? '')
  if (!match) return undefined
  if (match[1]!.toLowerCase() === 'bearer') return match[2]
  const decoded = Buffer.from(match[2]!, 'base64').toString('latin1')
  const colon = decoded.indexOf(':')
  const user = colon < 0 ? decoded : decoded.slice(0, colon)
  return user || decoded.slice(colon + 1) || undefined
}

export type AuthenticateOptions = {
  readonly keyring: Keyring
  readonly request: FastifyRequest
  readonly key: string | undefined
  readonly scope: Scope
}

/** The principal of a key. Throws 401 for a bad key, 403 without the scope, 429 over the limit. */
export const authenticateKey = async ({ keyring, request, key, scope }: AuthenticateOptions): Promise<Principal> => {
  if (!key) throw new RequestError(401, 'unauthenticated', 'Send a key: Authorization: Bearer <key>')
  const principal = await keyring.authenticate(key, peerOf(request))
  if (!principal) throw request.server.refuseKey(request)
  if (!principal.scopes.includes(scope)) throw new RequestError(403, 'forbidden', `The key lacks the scope "${scope}"`)
  await request.server.countRequest(request, principal)
  request.server.reserveFor(request, principal.keyId)
  return principal
}

/** Authenticates every route by its declared scope, before its body is read. */
export const authenticateRoutes = (app: FastifyInstance, keyring: Keyring): void => {
  app.decorateRequest('principal', null as unknown as Principal)
  app.addHook('onRoute', ({ method, url, config }) => {
    const scope = config?.scope
    if (scope === undefined) throw new Error(`route ${method} ${url} declares no scope`)
    if (scope !== 'public' && !SCOPES.includes(scope)) throw new Error(`route ${method} ${url}: unknown scope ${scope}`)
  })
  app.addHook('onRequest', async (request) => {
    const { scope, keyInBody } = request.routeOptions.config
    if (request.is404 || scope === 'public') return
    const key = keyFromHeader(request.headers.authorization)
    if (keyInBody && !key) return
    if (keyInBody === true) {
      // The route decides; here the key only says whose share the body takes.
      const principal = await keyring.authenticate(key!, peerOf(request))
      if (principal) request.principal = principal
      return
    }
    request.principal = await authenticateKey({ keyring, request, key, scope: scope! })
  })
}
