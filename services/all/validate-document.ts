import { Parser } from '@asyncapi/parser'
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { GeneratedFile } from './generated-files.ts'

const ERROR_SEVERITY = 0

/** Errors of a document by its own specification, a line each. */
export const validateDocument = async ({ name, kind, text }: GeneratedFile): Promise<string[]> => {
  switch (kind) {
    case 'openapi': {
      const { errors = [] } = await new Validator().validate(JSON.parse(text))
      if (typeof errors === 'string') return [`${name}: ${errors}`]
      return errors.map((error) => `${name}: ${error.instancePath} ${error.message}`)
    }
    case 'jsonschema': {
      const ajv = new Ajv2020()
      ajv.validateSchema(JSON.parse(text))
      return (ajv.errors ?? []).map((error) => `${name}: ${error.instancePath} ${error.message}`)
    }
    case 'asyncapi': {
      const diagnostics = await new Parser().validate(text)
      return diagnostics
        .filter((diagnostic) => diagnostic.severity === ERROR_SEVERITY)
        .map((diagnostic) => `${name}: /${diagnostic.path.join('/')} ${diagnostic.message}`)
    }
  }
}
