import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { type Api, bodyOf, createApi } from './api.ts'
import { unpackFolder } from './pack-folder.ts'
import type { SampleEvent } from './portfolio.ts'
import { runPulso } from './running-pulso.ts'

/** This version's checkout. */
export const ROOT = new URL('../..', import.meta.url).pathname

/** The code of the version before, with the packages installed here, until the test ends. */
export const unpackFormerCode = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'pulso-code-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await unpackFolder(join(ROOT, 'tests/former-data/former-code.tar.zst'), folder)
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

type Program = {
  readonly checkout: string
  /** Default: all services in one process. */
  readonly file?: string
  readonly environment: Readonly<Record<string, string>>
  /** Asked for once the program is ready: it may make its key. */
  readonly key: () => Promise<string>
}

/** Runs a program while `work` lasts, and ends it in order. */
export const withPulso = async (program: Program, work: (api: Api) => Promise<void>): Promise<void> => {
  const { checkout, file = 'services/all/main.ts', environment } = program
  const { address, stop, kill } = await runPulso(checkout, file, environment)
  try {
    await work(createApi({ ingest: address, scoring: address, alerting: address }, await program.key()))
    await stop()
  } finally {
    kill()
  }
}

/** Three events of the last minutes, `<name>-1` to `<name>-3`. */
export const eventsOf = (accountId: string, name: string, type: string): readonly SampleEvent[] =>
  [1, 2, 3].map((i) => ({
    id: `${name}-${i}`,
    source: 'product',
    type,
    accountId,
    userId: `u${i}`,
    occurredAt: new Date(Date.now() - i * 60_000).toISOString(),
    mode: 'live',
    properties: { subscriptionId: 'main' },
  }))

/** The ids of those events. */
export const idsOf = (...names: readonly string[]): string[] =>
  names.flatMap((name) => [1, 2, 3].map((i) => `${name}-${i}`)).toSorted()

/** Ids of an account's alerts, newest first. */
export const alertIdsOf = async (api: Api, accountId: string): Promise<string[]> =>
  (await bodyOf<{ items: { id: string }[] }>(api.get(`/v1/alerts?accountId=${accountId}`))).items.map(({ id }) => id)
