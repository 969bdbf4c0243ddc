import { parseYaml } from './parse-yaml.ts'
import type { ZodApp } from './routes.ts'
import { assertUtf8 } from './safe-json.ts'

const YAML_TYPES = ['application/yaml', 'text/yaml']

/** `schema.consumes` of a route whose body may be YAML. */
export const JSON_OR_YAML = ['application/json', 'application/yaml']

const texts = new WeakMap<object, string>()

/** The text of a YAML body, with its comments; undefined for a body in JSON. */
export const yamlTextOf = (request: object): string | undefined => texts.get(request)

/** Takes YAML beside JSON. An anchor or alias is `invalid_yaml`: a few grow to gigabytes. */
export const acceptYaml = (app: ZodApp): void => {
  app.addContentTypeParser(YAML_TYPES, { parseAs: 'buffer' }, async (request: object, body: Buffer) => {
    assertUtf8(body)
    const text = body.toString('utf8')
    texts.set(request, text)
    return parseYaml(text)
  })
}
