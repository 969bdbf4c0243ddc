import { openBackendsDoor } from '../postgres/backends.ts'
import { startTestPostgres, TEST_POSTGRES } from '../postgres/postgres.ts'

/**
 * Starts PostgreSQL once for the whole run, and Kafka when the first suite asks; their addresses
 * are left in the environment of the workers.
 */
export const setup = async () => {
  const [postgres, backends] = await Promise.all([startTestPostgres(), openBackendsDoor()])
  process.env[TEST_POSTGRES] = postgres.url
  process.env.PULSO_TEST_BACKENDS = backends.url
  return async () => {
    await Promise.all([postgres.stop(), backends.close()])
  }
}
