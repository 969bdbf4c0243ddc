import { Composer, type CST, type Document, isAlias, isMap, isScalar, Lexer, LineCounter, Parser, visit } from 'yaml'
import { RequestError } from '#libs/runtime/errors.ts'
import { createTimeSlices } from '#libs/runtime/time-slices.ts'

/** The shipped model takes 7 KB. A parser takes some 3 us a byte, 12 of the worst text. */
export const YAML_LIMIT_BYTES = 64 * 1024

// `uniqueKeys` of yaml 2.9 compares each key with all before: 8,000 keys take 3 s.
// With pretty errors 200 KB of quotes take 40 s: each error searches for its line.
// 'error': a mapping as a key must not print a warning for the sender's mistake.
const OPTIONS = { uniqueKeys: false, prettyErrors: false, logLevel: 'error' } as const

const badYaml = (detail: string): RequestError =>
  new RequestError(422, 'invalid_yaml', 'The body is not valid YAML', [{ pointer: '', code: 'invalid_yaml', detail }])

const assertSize = (text: string): void => {
  if (Buffer.byteLength(text) <= YAML_LIMIT_BYTES) return
  const detail = `YAML has at most ${YAML_LIMIT_BYTES} bytes; JSON may be larger`
  throw new RequestError(413, 'body_too_large', detail, [{ pointer: '', code: 'body_too_large', detail }])
}

/** In slices: a text of the greatest size takes 0.2 s, and the event loop turns meanwhile. */
const readTokens = async (text: string, lineCounter: LineCounter): Promise<readonly CST.Token[]> => {
  const slices = createTimeSlices()
  const parser = new Parser(lineCounter.addNewLine)
  lineCounter.addNewLine(0)
  const tokens: CST.Token[] = []
  for (const lexeme of new Lexer().lex(text)) {
    tokens.push(...parser.next(lexeme))
    if (slices.isOver()) await slices.next()
  }
  return [...tokens, ...parser.end()]
}

/** Without stack traces: text that is nothing but mistakes makes an error of each byte. */
const composeDocuments = (tokens: readonly CST.Token[], length: number): readonly Document[] => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return [...new Composer(OPTIONS).compose(tokens, true, length)] as Document[]
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

const assertPlain = (document: Document, lineOf: (offset: number) => string): void => {
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node) || node.anchor) throw badYaml('Anchors and aliases are not accepted')
      if (!isMap(node)) return
      const keys = new Set<unknown>()
      for (const { key } of node.items) {
        if (!isScalar(key)) throw badYaml('A key is a text, a number or a flag')
        const name = String(key.value)
        if (keys.has(name)) throw badYaml(`Map keys must be unique${lineOf(key.range?.[0] ?? 0)}`)
        keys.add(name)
      }
    },
  })
}

/** The value of one YAML document, in time linear in its length; 413 or 422 otherwise. */
export const parseYaml = async (text: string): Promise<unknown> => {
  assertSize(text)
  const lineCounter = new LineCounter()
  const lineOf = (offset: number): string => {
    const { line, col } = lineCounter.linePos(offset)
    return ` at line ${line}, column ${col}`
  }
  const tokens = await readTokens(text, lineCounter)
  const mistaken = tokens.find((token) => token.type === 'error')
  if (mistaken) throw badYaml(`${mistaken.message}${lineOf(mistaken.offset)}`)
  const [document, second] = composeDocuments(tokens, text.length)
  if (!document || second) throw badYaml('The source contains multiple documents')
  const [mistake] = document.errors
  if (mistake?.code === 'RESOURCE_EXHAUSTION') throw badYaml('Nested too deep')
  if (mistake) throw badYaml(`${mistake.message}${lineOf(mistake.pos[0])}`)
  assertPlain(document, lineOf)
  return document.toJS()
}
