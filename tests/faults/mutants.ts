import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startTestPostgres } from '../support/postgres/postgres.ts'
import { type Mutant, misfitsOf, plant, readMutants } from './mutant.ts'

// Plants each fault of the folder `mutants` in a copy of the source and runs the test that must
// notice: `npm run faults -- --mutants [--few] [--only a,b]`. First the tests run on the source as
// it is; `--few` leaves that to `npm test`. Ends with 1 when a mutant lives.
const { values } = parseArgs({ options: { few: { type: 'boolean', default: false }, only: { type: 'string' } } })
const only = values.only?.split(',')
const mutants = readMutants().filter(({ name, few }) => (only ? only.includes(name) : few || !values.few))

const root = new URL('../..', import.meta.url).pathname

const copySource = (): string => {
  const copy = mkdtempSync(join(tmpdir(), 'pulso-mutants-'))
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root })
  for (const file of listed.toString('utf8').split('\0').filter(Boolean)) cpSync(join(root, file), join(copy, file))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

type Report = {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

/** How the tests of that name ended; none when the file could not even be read. */
const runTest = async (copy: string, { file, test }: Mutant['caughtBy'], databaseUrl: string) => {
  const report = join(copy, 'report.json')
  rmSync(report, { force: true })
  const name = test.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const options = ['--maxWorkers=1', '--reporter=json', `--outputFile=${report}`, '--testTimeout=30000']
  const config = file.startsWith('tests/long/') ? ['--config', 'tests/long/vitest.config.ts'] : []
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', file, '-t', name, ...config, ...options]
  const child = spawn(process.execPath, vitest, {
    cwd: copy,
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdio: 'ignore',
  })
  await once(child, 'close')
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .flatMap(({ fullName, status }) => (fullName.includes(test) ? [status] : []))
}

const tryMutant = async (copy: string, mutant: Mutant, databaseUrl: string): Promise<string | undefined> => {
  const misfits = misfitsOf(mutant, copy)
  if (misfits.length > 0) return `does not fit the source any more: ${misfits.join('; ')}`
  if (!values.few && (await runTest(copy, mutant.caughtBy, databaseUrl)).some((status) => status !== 'passed'))
    return 'its test fails without it'
  const restore = plant(mutant, copy)
  const statuses = await runTest(copy, mutant.caughtBy, databaseUrl)
  restore()
  if (statuses.length === 0) return 'its test could not be run with it'
  return statuses.includes('failed') ? undefined : 'LIVES'
}

const copy = copySource()
const postgres = await startTestPostgres()
try {
  for (const mutant of mutants) {
    const startedAt = performance.now()
    const fault = await tryMutant(copy, mutant, postgres.url)
    if (fault !== undefined) process.exitCode = 1
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    process.stdout.write(`${mutant.name}: ${fault ?? 'caught'} in ${seconds} s (${mutant.breaks})\n`)
  }
} finally {
  await postgres.stop()
  rmSync(copy, { recursive: true, force: true })
}
