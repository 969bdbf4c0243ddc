import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '../processes/free-port.ts'

const run = promisify(execFile)
const PASSWORD = 'changeit'

export type Listener = {
  readonly brokers: string
  /** Certificate of the authority that signed the broker's, PEM. */
  readonly ca: string
  /** As `listeners` of the broker has it. */
  readonly address: string
  readonly properties: string
  /** Options of the formatting tool that make the login known. */
  readonly users: readonly string[]
}

/**
 * A broker's certificate signed by an authority made for it alone, by Java's own keytool: where
 * Kafka runs on the JVM it is there.
 */
const createCertificates = async (folder: string): Promise<{ readonly keystore: string; readonly ca: string }> => {
  await mkdir(folder)
  const keystore = join(folder, 'broker.p12')
  const keytool = async (command: string, ...more: readonly string[]): Promise<string> => {
    const store = ['-keystore', keystore, '-storetype', 'PKCS12', '-storepass', PASSWORD]
    return (await run('keytool', [command, ...store, ...more])).stdout
  }
  const key = ['-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '2']
  await keytool('-genkeypair', '-alias', 'ca', '-dname', 'CN=test authority', '-ext', 'bc:c', ...key)
  const signed = ['-signer', 'ca', '-dname', 'CN=broker', '-ext', 'san=ip:127.0.0.1', ...key]
  await keytool('-genkeypair', '-alias', 'broker', ...signed)
  const ca = await keytool('-exportcert', '-alias', 'ca', '-rfc')
  // The broker is to show its own certificate, not the authority's.
  await keytool('-delete', '-alias', 'ca')
  return { keystore, ca }
}

/** A listener `TLS` that asks for the login by SCRAM. */
export const createTls = async (
  dataDir: string,
  login: { readonly username: string; readonly password: string },
): Promise<Listener> => {
  const { keystore, ca } = await createCertificates(join(dataDir, 'tls'))
  const brokers = `127.0.0.1:${await freePort()}`
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  const properties = `
listener.name.tls.sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512
listener.name.tls.scram-sha-256.sasl.jaas.config=${scram}
listener.name.tls.scram-sha-512.sasl.jaas.config=${scram}
listener.name.tls.ssl.keystore.type=PKCS12
listener.name.tls.ssl.keystore.location=${keystore}
listener.name.tls.ssl.keystore.password=${PASSWORD}
`
  const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${login.username},password=${login.password}]`,
  ])
  return { brokers, ca, address: `TLS://${brokers}`, properties, users }
}
