import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { describeIdempotency } from './idempotency-key.ts'
import { errors } from './problems/problem.ts'

const SECURITY_SCHEMES = {
  key: { type: 'http', scheme: 'bearer', description: 'An API key' },
  keyAsUser: { type: 'http', scheme: 'basic', description: 'The key as user name, for analytics clients' },
} as const

type Document = { components?: { schemas?: Record<string, unknown> }; paths?: unknown }

/** The zod provider writes each named schema for input and for output. Drops the unused one. */
const dropUnusedSchemas = (document: Document): void => {
  const schemas = document.components?.schemas
  if (!schemas) return
  const used = new Set<string>()
  const visit = (node: unknown): void => {
    for (const [, name] of JSON.stringify(node ?? null).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name!)) continue
      used.add(name!)
      visit(schemas[name!])
    }
  }
  visit(document.paths)
  for (const name of Object.keys(schemas)) if (!used.has(name)) delete schemas[name]
}

/** Every route can fail in these ways, so no schema lists them. */
const addCommonErrors = (app: FastifyInstance): void => {
  app.addHook('onRoute', (route) => {
    const { schema, config } = route
    if (!schema || schema.hide || config?.scope === 'public') return
    describeIdempotency(route)
    schema.response = { ...errors(400, 401, 403, 429, 500, 503), ...(schema.response as object | undefined) }
  })
}

/** `/openapi.json` and `/docs`, made from the routes' own schemas; `/` leads to the latter. */
export const describeApi = async (app: FastifyInstance, info: { title: string; version: string }): Promise<void> => {
  addCommonErrors(app)
  await app.register(swagger, {
    openapi: { openapi: '3.1.0', info, components: { securitySchemes: SECURITY_SCHEMES } },
    transform: (input) => {
      const { schema, url } = jsonSchemaTransform(input)
      const scope = input.route.config?.scope
      const security: Record<string, string[]>[] = scope === 'public' ? [] : [{ key: [] }, { keyAsUser: [] }]
      return { schema: { ...schema, security, ...(scope ? { 'x-scope': scope } : {}) }, url }
    },
    transformObject: (input) => {
      const document = jsonSchemaTransformObject(input)
      dropUnusedSchemas(document as Document)
      return document
    },
  })
  // Made once: 300 KB that anybody may ask for are dear to write for each request.
  let bytes: Buffer | undefined
  const sendDocument = (reply: FastifyReply): FastifyReply => {
    bytes ??= Buffer.from(JSON.stringify(app.swagger()))
    return reply.type('application/json; charset=utf-8').send(bytes)
  }
  app.get('/openapi.json', { config: { scope: 'public' }, schema: { hide: true } }, async (_, reply) =>
    sendDocument(reply),
  )
  app.get('/', { config: { scope: 'public' }, schema: { hide: true } }, async (_, reply) => reply.redirect('/docs'))
  await app.register(async (docs) => {
    docs.addHook('onRoute', (route) => {
      route.config = { ...route.config, scope: 'public' }
    })
    docs.addHook('onRequest', async (request, reply) =>
      request.routeOptions.url === '/docs/json' ? sendDocument(reply) : undefined,
    )
    await docs.register(swaggerUi, { routePrefix: '/docs' })
  })
}
