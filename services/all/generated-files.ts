import { type App, createApp, type Definition } from '#libs/app/app.ts'
import { asyncApiDocument } from '#libs/app/asyncapi-document.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import packageJson from '../../package.json' with { type: 'json' }
import { services } from './services.ts'

/** Enough to build the real wiring; nothing connects. */
const NOWHERE = {
  DATABASE_URL: 'postgres://127.0.0.1:1/pulso',
  KAFKA_BROKERS: '127.0.0.1:1',
  PULSO_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
}

export type GeneratedFile = {
  readonly name: string
  readonly kind: 'openapi' | 'asyncapi' | 'jsonschema'
  readonly text: string
}

const textOf = (document: object): string => `${JSON.stringify(document, null, 2)}\n`

const appOf = (definition: Definition): App =>
  createApp({ definitions: [definition], environment: NOWHERE, logger: silentLogger })

/** The API documents and document schemas of all services, from the real wiring, not started. */
export const generateFiles = async (): Promise<GeneratedFile[]> => {
  const files: GeneratedFile[] = []
  for (const definition of services) {
    const app = appOf(definition)
    files.push({ name: `${definition.name}.json`, kind: 'openapi', text: textOf(await app.describe()) })
    for (const [name, schema] of Object.entries(app.documentSchemas))
      files.push({ name: `${name}.schema.json`, kind: 'jsonschema', text: textOf(schema) })
  }
  files.push({ name: 'events.asyncapi.json', kind: 'asyncapi', text: textOf(asyncApiDocument(packageJson.version)) })
  return files
}
