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
  // Pretty errors take 40 s for 200 KB of quotes (yaml 2.9), since each looks for its line from the start.
  // 'error': a mapping as a key would make the parser print a warning for the sender's mistake.
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

/** A body in YAML as it was written, with its comments; undefined for a body in JSON. */
export const yamlTextOf = (request: object): string | undefined => texts.get(request)

/**
 * Lets the routes of this plugin take YAML beside JSON. Text that is not YAML, or has an anchor or alias (a few of
 * them grow to gigabytes), is 422 `invalid_yaml`. The value then passes the same checks as JSON.
 */
export const acceptYaml = (app: ZodApp): void => {
  app.addContentTypeParser(YAML_TYPES, { parseAs: 'buffer' }, async (request: object, body: Buffer) => {
    assertUtf8(body)
    const text = body.toString('utf8')
    texts.set(request, text)
    return parseBody(text)
  })
}
