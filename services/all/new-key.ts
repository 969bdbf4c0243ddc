import { newApiKey } from '#libs/access/keys/api-key.ts'

/** Prints a new key for PULSO_BOOTSTRAP_KEY, valid from the first start with it. */
process.stdout.write(`${newApiKey('live').key}\n`)
