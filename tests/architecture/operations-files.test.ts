import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { validate as lintDockerfile } from 'dockerfile-utils'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { settingNames } from './setting-names.ts'

const root = new URL('../..', import.meta.url).pathname
const read = (name: string): string => readFileSync(join(root, name), 'utf8')

/** The Compose specification's own JSON schema, as the linter dclint ships it. */
const composeSchema = (): object => {
  const main = createRequire(import.meta.url).resolve('dclint')
  const folder = main.slice(0, main.lastIndexOf(join('dclint', '')))
  const schema = JSON.parse(readFileSync(join(folder, 'dclint', 'schemas', 'compose.schema.json'), 'utf8'))
  return { ...schema, $schema: 'http://json-schema.org/draft-07/schema#' }
}

const composeErrors = (text: string): string[] => {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false })
  const isValid = ajv.compile(composeSchema())
  return isValid(parse(text, { merge: true }))
    ? []
    : (isValid.errors ?? []).map((e) => `${e.instancePath} ${e.message}`)
}

test('docker-compose.yml is valid against the Compose schema, which would notice a wrong key', () => {
  const compose = read('docker-compose.yml')
  expect(composeErrors(compose)).toEqual([])
  expect(composeErrors(compose.replace('stop_grace_period', 'stop_grace_time'))).not.toEqual([])
})

test('docker-compose.yml runs every service that has a main, health-checked, and holds no secret', () => {
  const compose = parse(read('docker-compose.yml'), { merge: true })
  const services = Object.entries<{ healthcheck?: unknown; environment?: Record<string, string> }>(compose.services)
  expect(services.map(([name]) => name).sort()).toEqual(['alerting', 'ingest', 'kafka', 'postgres', 'redis', 'scoring'])
  for (const [name, service] of services) {
    expect(service.healthcheck, name).toBeDefined()
    for (const [variable, value] of Object.entries(service.environment ?? {}))
      if (/PASSWORD|KEY$|SECRET|TOKEN/.test(variable)) expect(value, variable).toMatch(/^\$\{\w+:\?/)
  }
})

/** The built-in parts, the fault tests, and a login to other brokers than the one of the file. */
const LEFT_OUT = /^(PULSO_DATA_DIR|PULSO_FAILPOINTS.*|KAFKA_SSL.*|KAFKA_SASL.*)$/

test('docker-compose.yml passes on every setting that a container may take', () => {
  const { services } = parse(read('docker-compose.yml'), { merge: true })
  const wanted = settingNames().filter((name) => !LEFT_OUT.test(name))
  for (const name of ['ingest', 'scoring', 'alerting'])
    expect(Object.keys(services[name].environment).sort(), name).toEqual(wanted)
})

test('docker-compose.yml starts each service as its npm script does', () => {
  const { services } = parse(read('docker-compose.yml'), { merge: true })
  const { scripts } = JSON.parse(read('package.json'))
  for (const name of ['ingest', 'scoring', 'alerting'])
    expect(services[name].command.join(' '), name).toBe(
      scripts[`start:${name}`].replace('exec ', '').replace(' --disable-warning=TimeoutNegativeWarning', ''),
    )
})

test('the Dockerfile has no lint, ends as an ordinary user, and the linter would notice a mistake', () => {
  const dockerfile = read('Dockerfile')
  expect(lintDockerfile(dockerfile)).toEqual([])
  expect(lintDockerfile(dockerfile.replace('WORKDIR', 'WORKDIRECTORY'))).not.toEqual([])
  expect(dockerfile.match(/^USER .*$/gm)?.at(-1)).toBe('USER 1000:1000')
})
