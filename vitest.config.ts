import { configDefaults, defineConfig } from 'vitest/config'

// Node runs the project's .ts files as they are; vitest uses the same files. Process-heavy suites
// share two cores.
export default defineConfig({
  test: {
    include: ['libs/**/*.test.ts', 'services/**/*.test.ts', 'tests/**/*.test.ts'],
    // `npm run test:long` runs the suites that take a minute or more each.
    exclude: [...configDefaults.exclude, 'tests/long/**'],
    globalSetup: ['tests/support/processes/global-setup.ts'],
    setupFiles: ['tests/support/processes/setup-file.ts'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
})
