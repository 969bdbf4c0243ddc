import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

type Content = Record<string, { schema?: unknown; example?: unknown; examples?: unknown }>
type Operation = {
  operationId?: string
  summary?: string
  security?: unknown[]
  'x-scope'?: string
  requestBody?: { content: Content }
  responses: Record<string, { description?: string; content?: Content }>
}
type Document = {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, unknown> }
}

const folder = new URL('../../openapi/', import.meta.url)
const documents = readdirSync(folder)
  .filter((name) => name.endsWith('.json') && !name.includes('asyncapi') && !name.includes('.schema.'))
  .map((name): [string, Document] => [name, JSON.parse(readFileSync(new URL(name, folder), 'utf8'))])

const operationsOf = (document: Document): [string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  )

/** Whether a schema, or a component it names, carries an example somewhere. */
const hasExample = (document: Document, node: unknown): boolean => {
  const text = JSON.stringify(node ?? null)
  if (/"examples?":/.test(text)) return true
  return [...text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)].some(([, name]) =>
    /"examples?":/.test(JSON.stringify(document.components?.schemas?.[name!] ?? null)),
  )
}

test('there is one document per service', () => {
  expect(documents.map(([name]) => name).sort()).toEqual(['alerting.json', 'ingest.json', 'scoring.json'])
})

test.each(documents)(
  '%s: every route has an id of its own, a summary, a scope and its error answers',
  (_, document) => {
    expect(document.openapi).toMatch(/^3\.1\./)
    const operations = operationsOf(document)
    const ids = operations.map(([, operation]) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [name, operation] of operations) {
      expect(operation.operationId, name).toMatch(/^[a-z][A-Za-z]+$/)
      expect(operation.summary, name).toBeTruthy()
      expect(operation['x-scope'], name).toMatch(/^(public|ingest|read|write|admin)$/)
      if (operation['x-scope'] === 'public') continue
      expect(operation.security, name).not.toEqual([])
      expect(Object.keys(operation.responses), name).toEqual(expect.arrayContaining(['401', '403', '500', '503']))
    }
  },
)

test.each(documents)('%s: every body, asked for or answered, shows an example', (_, document) => {
  const bare = operationsOf(document).flatMap(([name, operation]) => {
    const bodies: [string, Content | undefined][] = [
      ['request', operation.requestBody?.content],
      ...Object.entries(operation.responses).map(([status, { content }]): [string, Content | undefined] => [
        status,
        content,
      ]),
    ]
    return bodies.filter(([, content]) => content && !hasExample(document, content)).map(([body]) => `${name} ${body}`)
  })
  expect(bare).toEqual([])
})
