import type { FastifyRequest } from 'fastify'
import { parseDocument, stringify } from 'yaml'
import { z } from 'zod'
import { yamlTextOf } from '#libs/http/yaml-body.ts'
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
    'A whole model document, such as GET /v1/models/default/versions/1 answers: JSON, or YAML without anchors and aliases. GET /v1/model-schema answers its JSON Schema. `version` may be left out.',
  examples: [MODEL_EXAMPLE],
})

/** The document of a request as that version of the model, checked; 422 with a pointer to each mistake. */
export const readModel = (body: Record<string, unknown>, version: number): Model => {
  const checked = checkModel({ ...body, version })
  if ('errors' in checked) throw new RequestError(422, 'invalid_model', 'The model is not valid', checked.errors)
  return checked.model
}

/** The text that is kept: as written when it was YAML, and bearing its version. */
export const sourceOf = (request: FastifyRequest, model: Model): string => {
  const text = yamlTextOf(request)
  if (text === undefined) {
    const { id, version, name, ...rest } = model
    return stringify({ id, version, name, ...rest })
  }
  const document = parseDocument(text)
  document.set('version', model.version)
  return document.toString()
}
