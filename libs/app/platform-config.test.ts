import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { newApiKey } from '#libs/access/keys/api-key.ts'
import { ConfigError, readConfigs } from '#libs/runtime/config.ts'
import { platformConfigSchema } from './platform-config.ts'

const KEY = Buffer.alloc(32, 1).toString('base64')
const SERVERS = { DATABASE_URL: 'postgres://u:p@db/pulso', KAFKA_BROKERS: 'a:9092, b:9092', PULSO_ENCRYPTION_KEY: KEY }

const read = (environment: Record<string, string>, alone = false) =>
  readConfigs({ platform: platformConfigSchema({ alone, defaultPort: 8080 }) }, environment).platform

const problemsOf = (environment: Record<string, string>, alone = false): string => {
  try {
    read(environment, alone)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
  }
  return ''
}

test('everything in one process needs no configuration at all', () => {
  expect(read({})).toMatchObject({ HOST: '127.0.0.1', PORT: 8080, PULSO_DATA_DIR: '.pulso', PULSO_TIME_ZONE: 'UTC' })
})

test('a lone service says which servers it lacks, and why', () => {
  const problems = problemsOf({}, true)
  expect(problems).toMatch(/^DATABASE_URL: is needed by a service that runs alone/m)
  expect(problems).toMatch(/^KAFKA_BROKERS: is needed by a service that runs alone/m)
  expect(problems).toMatch(/^PULSO_ENCRYPTION_KEY: is needed outside embedded mode/m)
  expect(read(SERVERS, true).KAFKA_BROKERS).toEqual(['a:9092', 'b:9092'])
})

test('a database of its own, even for all services in one process, needs an encryption key', () => {
  expect(problemsOf({ DATABASE_URL: SERVERS.DATABASE_URL })).toContain('PULSO_ENCRYPTION_KEY')
})

test('all bad values are reported at once, and none is repeated', () => {
  const problems = problemsOf({
    PORT: '70000',
    PULSO_TIME_ZONE: 'Mars/Olympus',
    PULSO_LOG_LEVEL: 'loud-s3cret',
    PULSO_ENCRYPTION_KEY: 'c2hvcnQ=',
    KAFKA_BROKERS: 'nonsense-s3cret',
    KAFKA_SASL_MECHANISM: 'plain',
    PULSO_BOOTSTRAP_KEY: 'pulso_live_s3cret',
  })
  for (const name of ['PORT', 'PULSO_TIME_ZONE', 'PULSO_LOG_LEVEL', 'PULSO_ENCRYPTION_KEY', 'KAFKA_BROKERS'])
    expect(problems).toMatch(new RegExp(`^${name}: `, 'm'))
  for (const name of ['KAFKA_SASL_USERNAME', 'PULSO_BOOTSTRAP_KEY'])
    expect(problems).toMatch(new RegExp(`^${name}: `, 'm'))
  expect(problems).toMatch(/^PORT: must be a whole number from 0 to 65535$/m)
  expect(problems).not.toContain('s3cret')
  expect(problems).not.toContain('c2hvcnQ')
})

test('a SASL mechanism without its credentials is refused', () => {
  expect(problemsOf({ ...SERVERS, KAFKA_SASL_MECHANISM: 'plain' })).toContain('KAFKA_SASL_PASSWORD')
})

test('the certificates of a private authority come from a file, which must be there and hold some', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'pulso-ca-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const fileOf = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text)
    return join(folder, name)
  }
  const [one, other] = rootCertificates
  const two = await fileOf('two.pem', `# ours\n${one}\n\n# theirs\n${other}\n`)
  expect(read({ ...SERVERS, KAFKA_SSL: 'true', KAFKA_SSL_CA: two }).KAFKA_SSL_CA).toBe(`${one}\n${other}`)
  for (const path of [
    join(folder, 'nowhere.pem'),
    folder,
    await fileOf('empty.pem', ''),
    await fileOf('bad.pem', '-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n'),
  ])
    expect(problemsOf({ ...SERVERS, KAFKA_SSL: 'true', KAFKA_SSL_CA: path })).toMatch(
      /^KAFKA_SSL_CA: must be the path/m,
    )
  expect(problemsOf({ ...SERVERS, KAFKA_SSL_CA: two })).toMatch(/^KAFKA_SSL_CA: is for TLS/m)
})

test('failpoints are refused unless they are enabled beside', () => {
  const armed = { PULSO_FAILPOINTS: 'scoring.flush.before=kill,bus.position.after=sleep:2s@3' }
  expect(problemsOf(armed)).toMatch(/^PULSO_FAILPOINTS: kills this process on purpose/m)
  expect(problemsOf({ PULSO_FAILPOINTS: 'a=maim', PULSO_FAILPOINTS_ENABLED: 'true' })).toContain(
    'PULSO_FAILPOINTS: must be',
  )
  expect(read({ ...armed, PULSO_FAILPOINTS_ENABLED: 'true' }).PULSO_FAILPOINTS).toHaveLength(2)
})

/** A file with this content in a folder of its own. */
const fileOf = async (content: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'pulso-secret-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'secret')
  await writeFile(file, content)
  return file
}

test.each([
  'DATABASE_URL',
  'REDIS_URL',
  'KAFKA_SASL_PASSWORD',
  'PULSO_ENCRYPTION_KEY',
  'PULSO_ENCRYPTION_KEY_FORMER',
  'PULSO_BOOTSTRAP_KEY',
])('%s may come from a file', async (name) => {
  const values: Record<string, string> = {
    ...SERVERS,
    REDIS_URL: 'redis://:pass@cache:6379',
    KAFKA_SSL: 'true',
    KAFKA_SASL_MECHANISM: 'plain',
    KAFKA_SASL_USERNAME: 'pulso',
    KAFKA_SASL_PASSWORD: ' pass ',
    PULSO_ENCRYPTION_KEY_FORMER: `${KEY},${Buffer.alloc(32, 2).toString('base64')}`,
    PULSO_BOOTSTRAP_KEY: newApiKey().key,
  }
  const { [name]: value, ...others } = values
  const file = await fileOf(`${value}\n`)
  expect(read({ ...others, [`${name}_FILE`]: file })).toEqual(read(values))
})

test('a secret that is given twice, or whose file cannot be read or is empty, is refused by name', async () => {
  const file = await fileOf(`${KEY}\n`)
  expect(problemsOf({ ...SERVERS, PULSO_ENCRYPTION_KEY_FILE: file })).toBe(
    'PULSO_ENCRYPTION_KEY: is given twice, by PULSO_ENCRYPTION_KEY and by PULSO_ENCRYPTION_KEY_FILE',
  )
  for (const unreadable of [`${file}-s3cret`, await fileOf('\n')])
    expect(problemsOf({ REDIS_URL_FILE: unreadable })).toBe(
      'REDIS_URL_FILE: must be the path of a readable file with the secret',
    )
})

test('a file is read only for a setting that holds a secret', async () => {
  expect(read({ HOST_FILE: await fileOf('0.0.0.0') }).HOST).toBe('127.0.0.1')
})

test('trusted proxies are addresses and CIDRs', () => {
  expect(read({ PULSO_TRUSTED_PROXIES: '10.0.0.0/8, 192.0.2.1,fd00::/8' }).PULSO_TRUSTED_PROXIES).toEqual([
    '10.0.0.0/8',
    '192.0.2.1/32',
    'fd00::/8',
  ])
  for (const wrong of ['loadbalancer', '10.0.0.0/99', '7'])
    expect(problemsOf({ PULSO_TRUSTED_PROXIES: wrong })).toMatch(/^PULSO_TRUSTED_PROXIES: must be addresses/m)
})
