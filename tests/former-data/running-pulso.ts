import { eventually } from '../support/eventually.ts'
import { type SpawnedProcess, spawnProcess } from '../support/processes/spawn-process.ts'
import type { Answer } from './api.ts'
import { withoutNow } from './questions.ts'

/** What a sample is taken with and opened with. */
export const SAMPLE_SETTINGS = {
  PULSO_WEBHOOK_ALLOW: '127.0.0.1/32:*',
  PULSO_WEBHOOK_ALLOW_HTTP: 'true',
  PULSO_WEBHOOK_SCHEDULE: '0s,1s,12h',
} as const

const READY = /"address":"([^"]+)"[^\n]*"msg":"ready"/
const REST_MS = 3_000

/**
 * A program of another checkout, once it is ready; `stop` ends it in order and throws when it does
 * not end with 0.
 */
export type RunningPulso = { readonly address: string; readonly stop: () => Promise<void>; readonly kill: () => void }

export const runPulso = async (
  checkout: string,
  file: string,
  environment: Readonly<Record<string, string>>,
): Promise<RunningPulso> => {
  const spawned: SpawnedProcess = spawnProcess(
    file,
    { ...SAMPLE_SETTINGS, PORT: '0', ...environment },
    { root: checkout },
  )
  const [, address] = await spawned.printed(READY)
  return {
    address: address!,
    stop: async () => {
      spawned.child.kill('SIGTERM')
      const how = await spawned.ended
      if (how !== 0) throw new Error(`${file} ended with ${how}:\n${spawned.output().slice(-2_000)}`)
    },
    kill: () => void spawned.child.kill('SIGKILL'),
  }
}

/** The answers, once they have not moved for a while. */
export const answersAtRest = async (ask: () => Promise<Record<string, Answer>>): Promise<Record<string, Answer>> => {
  let answers: Record<string, Answer> = {}
  let before = ''
  let since = performance.now()
  await eventually(
    'nothing moves any more',
    async () => {
      answers = await ask()
      const now = JSON.stringify(withoutNow(answers))
      if (now !== before) since = performance.now()
      before = now
      return performance.now() - since > REST_MS
    },
    120_000,
  )
  return answers
}
