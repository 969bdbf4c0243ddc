import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parseDocument, stringify } from 'yaml'
import { z } from 'zod'
import { RequestError } from '#libs/runtime/errors.ts'
import type { Model } from '../../core/models/model.ts'
import { checkModel } from '../../models/model-document.ts'

export const MODEL_EXAMPLE = {
  id: 'enterprise',
  name: 'Enterprise accounts',
  segment: { priority: 10, when: { trait: 'plan', op: '==', value: 'enterprise' } },
  groups: [{ name: 'usage', weights: { onboarding: 25, adoption: 35, renewal: 25 }, factors: ['...'] }],
}

/** The reader of documents checks it. */
export const modelBodySchema = z.record(z.string(), z.unknown()).meta({
  description:
    'A whole model document, such as GET /v1/models/default/versions/1 answers: JSON, or YAML as application/yaml. GET /v1/model-schema answers its JSON Schema. `version` may be left out.',
  examples: [MODEL_EXAMPLE],
})

/** As written, with its comments. */
const texts = new WeakMap<FastifyRequest, string>()

const badYaml = (detail: string) =>
  new RequestError(422, 'invalid_model', 'The model is no YAML', [{ pointer: '', code: 'invalid_yaml', detail }])

/** Models may be written in YAML; aliases, which could blow it up, are refused. */
export const acceptYaml = (app: FastifyInstance): void => {
  app.addContentTypeParser(['application/yaml', 'text/yaml'], { parseAs: 'string' }, (request, body, done) => {
    try {
      const document = parseDocument(body as string)
      if (document.errors.length > 0) return done(badYaml(document.errors[0]!.message.split('\n')[0]!))
      texts.set(request, body as string)
      return done(null, document.toJS({ maxAliasCount: 0 }))
    } catch {
      return done(badYaml('Nested too deep, or with aliases'))
    }
  })
}

/** The document of a request as that version of the model, checked; 422 with a pointer to each mistake. */
export const readModel = (body: Record<string, unknown>, version: number): Model => {
  const checked = checkModel({ ...body, version })
  if ('errors' in checked) throw new RequestError(422, 'invalid_model', 'The model is not valid', checked.errors)
  return checked.model
}

/** The text that is kept: as written when it was YAML, and bearing its version. */
export const sourceOf = (request: FastifyRequest, model: Model): string => {
  const text = texts.get(request)
  if (text === undefined) {
    const { id, version, name, ...rest } = model
    return stringify({ id, version, name, ...rest })
  }
  const document = parseDocument(text)
  document.set('version', model.version)
  return document.toString()
}
