import type { Client } from 'pg'
import type { Deployment, Mode } from '../deployment.ts'

/** Ends the fault. Answers what went wrong meanwhile, in words. */
export type Mend = () => Promise<readonly string[]>

export type Target = Deployment & {
  /** An event of an account of its own counts, and its webhook comes. Answers what does not. */
  readonly goesOn: (withinMs: number) => Promise<readonly string[]>
  /** Resolves when events have been scored for so long from now on. */
  readonly stream: (durationMs: number) => Promise<void>
}

/** Something of the environment that is struck while events stream. */
export type Victim = {
  readonly name: string
  readonly modes: readonly Mode[]
  /** Between strike and mend. */
  readonly lastsMs: number
  /** How soon an event must have its webhook once the fault is mended. */
  readonly goesOnWithinMs: number
  /** The database lacks what it had: numbers of changes and alerts jump. */
  readonly rewinds?: true
  /** Resolves when it is struck. */
  readonly strike: (target: Target) => Promise<Mend>
}

export const MENDED_WITHIN_MS = 60_000
export const nothingWrong = (): readonly string[] => []

/** Ends all connections of the role but the one that asks. */
export const endConnections = (client: Client, role: string): Promise<unknown> =>
  client.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where usename = $1 and pid <> pg_backend_pid()',
    [role],
  )
