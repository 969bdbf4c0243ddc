import { isAlias, LineCounter, parseDocument, visit } from 'yaml'
import { RequestError } from '#libs/runtime/errors.ts'
import type { ZodApp } from './routes.ts'
import { assertUtf8 } from './safe-json.ts'

const YAML_TYPES = ['application/yaml', 'text/yaml']

/** `schema.consumes` of a route whose body may be YAML. */
export const JSON_OR_YAML = ['application/json', 'application/yaml']

const badYaml = (detail: string): RequestError =>
  new RequestError(422, 'invalid_yaml', 'The body is not valid YAML', [{ pointer: '', code: 'invalid_yaml', detail }])

const parseBody = (text: string): unknown => {
  // With pretty errors 200 KB of quotes take 40 s (yaml 2.9): each error searches for its line.
  // 'error': a mapping as a key must not print a warning for the sender's mistake.
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { prettyErrors: false, lineCounter, logLevel: 'error' })
  const [mistake] = document.errors
  if (mistake?.code === 'RESOURCE_EXHAUSTION') throw badYaml('Nested too deep')
  if (mistake) {
    const { line, col } = lineCounter.linePos(mistake.pos[0])
    throw badYaml(`${mistake.message} at line ${line}, column ${col}`)
  }
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node) || node.anchor) throw badYaml('Anchors and aliases are not accepted')
    },
  })
  return document.toJS()
}

const texts = new WeakMap<object, string>()

/** The text of a YAML body, with its comments; undefined for a body in JSON. */
export const yamlTextOf = (request: object): string | undefined => texts.get(request)

/** Takes YAML beside JSON. An anchor or alias is `invalid_yaml`: a few grow to gigabytes. */
export const acceptYaml = (app: ZodApp): void => {
  app.addContentTypeParser(YAML_TYPES, { parseAs: 'buffer' }, async (request: object, body: Buffer) => {
    assertUtf8(body)
    const text = body.toString('utf8')
    texts.set(request, text)
    return parseBody(text)
  })
}
