import { configDefaults, defineConfig, mergeConfig } from 'vitest/config'
import shared from '../../vitest.config.ts'

/** The suites that `npm test` leaves out: each takes a minute or more. */
const config = mergeConfig(shared, defineConfig({}))
export default {
  ...config,
  test: { ...config.test, include: ['tests/long/*.test.ts'], exclude: configDefaults.exclude },
}
