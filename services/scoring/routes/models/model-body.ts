import type { FastifyRequest } from 'fastify'
import { parseDocument, stringify } from 'yaml'
import { z } from 'zod'
import type { Model } from '#libs/contracts/health-model.ts'
import { yamlTextOf } from '#libs/http/yaml-body.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { checkModel } from '../../models/model-document.ts'

export const MODEL_EXAMPLE = {
  id: 'enterprise',
  name: 'Enterprise accounts',
  segment: { priority: 10, when: { trait: 'plan', op: '==', value: 'enterprise' } },
  groups: [{ name: 'usage', weights: { onboarding: 25, adoption: 35, renewal: 25 }, factors: ['...'] }],
}

export const modelBodySchema = z.record(z.string(), z.unknown()).meta({
  description:
    'A whole model document, such as GET /v1/models/default/versions/1: JSON, or YAML without anchors and aliases. GET /v1/model-schema answers its JSON Schema. `version` may be omitted.',
  examples: [MODEL_EXAMPLE],
})

/** Checks a document as this version of the model. Throws 422 with a pointer to each error. */
export const readModel = (body: Record<string, unknown>, version: number): Model => {
  const checked = checkModel({ ...body, version })
  if ('errors' in checked) throw new RequestError(422, 'invalid_model', 'The model is not valid', checked.errors)
  return checked.model
}

/** The text to store: YAML as submitted, with the version set. Its keys are known to be unique. */
export const sourceOf = (request: FastifyRequest, model: Model): string => {
  const text = yamlTextOf(request)
  if (text === undefined) {
    const { id, version, name, ...rest } = model
    return stringify({ id, version, name, ...rest })
  }
  const document = parseDocument(text, { uniqueKeys: false })
  document.set('version', model.version)
  return document.toString()
}
