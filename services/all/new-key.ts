import { newApiKey } from '#libs/access/keys/api-key.ts'

/** Prints a fresh key for PULSO_BOOTSTRAP_KEY. It counts from the first start that is given it. */
process.stdout.write(`${newApiKey('live').key}\n`)
