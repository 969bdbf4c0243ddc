import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { type Model, modelSchema } from '#libs/contracts/health-model.ts'
import { jsonPointer } from '#libs/http/json-pointer.ts'
import { type ErrorDetail, RequestError } from '#libs/runtime/errors.ts'
import { modelProblems } from './validate-model.ts'

export type ParsedModel = { readonly model: Model } | { readonly errors: readonly ErrorDetail[] }

/** Checks a parsed document; every error has a pointer into it. */
export const checkModel = (document: unknown): ParsedModel => {
  const parsed = modelSchema.safeParse(document)
  if (!parsed.success) {
    const issues = parsed.error.issues.flatMap((issue) => innermost(issue, []))
    return { errors: issues.map(({ path, code, message }) => ({ pointer: jsonPointer(path), code, detail: message })) }
  }
  const model: Model = parsed.data
  const errors = modelProblems(model)
  return errors.length > 0 ? { errors } : { model }
}

type Issue = { readonly path: readonly PropertyKey[]; readonly code: string; readonly message: string }

/** Errors within the form of a condition that was meant: the form that knows all its members. */
const innermost = (issue: z.core.$ZodIssue, above: readonly PropertyKey[]): Issue[] => {
  const path = [...above, ...issue.path]
  const forms = issue.code === 'invalid_union' ? issue.errors : []
  const meant = forms.find((issues) => !issues.some((one) => one.code === 'unrecognized_keys' && one.path.length === 0))
  return meant === undefined || meant.length === 0
    ? [{ path, code: issue.code, message: issue.message }]
    : meant.flatMap((one) => innermost(one, path))
}

/** Parses a model from YAML or JSON text. Throws 422 with a pointer to each error. */
export const parseModel = (source: string): Model => {
  let document: unknown
  try {
    document = parse(source, { maxAliasCount: 0 })
  } catch (error) {
    throw new RequestError(422, 'invalid_model', 'The model is not valid YAML', [
      { pointer: '', code: 'invalid_yaml', detail: error instanceof Error ? error.message.split('\n')[0]! : '' },
    ])
  }
  const checked = checkModel(document)
  if ('errors' in checked) throw new RequestError(422, 'invalid_model', 'The model is not valid', checked.errors)
  return checked.model
}

/** The model of accounts without another match. A tenant's versions of it count on from 2. */
export const DEFAULT_MODEL_ID = 'default'
export const SHIPPED_VERSION = 1

export const readShippedSource = (): string => readFileSync(join(import.meta.dirname, 'default.yaml'), 'utf8')

export const loadDefaultModel = (): Model => parseModel(readShippedSource())

/** JSON Schema for editors: the checks of `checkModel`, without the checks of `modelProblems`. */
export const MODEL_JSON_SCHEMA: Readonly<Record<string, unknown>> = {
  title: 'Pulso health model',
  ...z.toJSONSchema(modelSchema, { io: 'input' }),
}
