import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** More than so many tests that passed only when they were tried again are a failure of the run. */
const MOST_RETRIED = 2

const testsOf = (modules: readonly TestModule[]): TestCase[] =>
  modules.flatMap((module) => [...module.children.allTests()])

const wasRetried = (test: TestCase): boolean => (test.diagnostic()?.retryCount ?? 0) > 0

/**
 * With `--retry`, names each test that was tried again, so that flakes are seen. A class: vitest
 * makes reporters by `new`.
 */
export default class RetriedTests implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const retried = testsOf(modules).filter(wasRetried)
    if (retried.length === 0) return
    const names = retried.map((test) => `  ${test.module.relativeModuleId} > ${test.fullName}\n`)
    process.stderr.write(`\n${retried.length} tests were tried again:\n${names.join('')}`)
    if (retried.length <= MOST_RETRIED) return
    process.stderr.write(`at most ${MOST_RETRIED} may be: the run fails\n`)
    process.exitCode = 1
  }
}
