import type { Model } from '#libs/contracts/health-model.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { countAccounts, readPart, type StoredAccount } from '../accounts/account-store.ts'
import { loadStored } from '../accounts/load-stored.ts'
import { createAccount } from '../core/account/account.ts'
import { evaluateAt } from '../core/account/evaluate-account.ts'
import { replay } from '../core/account/replay.ts'
import { decodeState } from '../core/codec/state-codec.ts'
import { chooseModel, withModel } from '../core/models/choose-model.ts'
import { type CompiledModel, compileModel } from '../core/models/model.ts'
import { createPreviewTally, type PreviewTally, type Scored } from '../core/models/preview-tally.ts'
import { loadCountedEvents } from '../log/event-store.ts'
import type { LiveModels } from '../models/live-models.ts'

const BUDGET_MS = 5_000
const PART_ACCOUNTS = 500
const MAX_ITEMS = 100

export type ModelPreview = ReturnType<PreviewTally['result']> & {
  readonly accounts: number
  /** Accounts evaluated: a random sample if time does not allow all. */
  readonly evaluated: number
  readonly sampled: boolean
  /** Evaluated accounts that the previewed model would score instead of another. */
  readonly affected: number
}

/** Evaluates accounts by the live models and by the previewed model, for at most `BUDGET_MS`. */
export type PreviewModel = (tenantId: string, model: Model) => Promise<ModelPreview>

export const createPreviewModel = (deps: {
  readonly database: Database
  readonly clock: Clock
  readonly liveModels: LiveModels
}): PreviewModel => {
  const { database, clock, liveModels } = deps

  /** Replays the account's events if the model counts events differently than the stored state. */
  const score = async (row: StoredAccount, by: CompiledModel, now: number): Promise<Scored> => {
    const folded = liveModels.version(row)
    const account = { ...createAccount(row, by, null), override: row.override }
    account.state =
      folded.fingerprint === by.fingerprint
        ? decodeState(row.state)
        : replay(await loadCountedEvents(database, row), { model: by, zone: liveModels.zone }, now).state
    const at = Math.max(now, row.evaluatedAt)
    const { score, band } = evaluateAt(account, liveModels.contextOf(account, at), at, row)
    return { score, band }
  }

  return async (tenantId, model) => {
    const startedAt = clock.now()
    const live = liveModels.liveOf(tenantId)
    const next = withModel(live, compileModel(model))
    const accounts = await countAccounts(database, tenantId)
    const parts = Math.max(1, Math.ceil(accounts / PART_ACCOUNTS))
    const tally = createPreviewTally(MAX_ITEMS)
    let evaluated = 0
    let affected = 0
    let timedOut = false
    for (let part = 0; part < parts && !timedOut; part++) {
      const rows = await loadStored(database, await readPart(database, tenantId, { part, parts }), liveModels)
      for (const row of rows) {
        evaluated++
        const { traits } = decodeState(row.state)
        const [before, after] = [chooseModel(live, traits), chooseModel(next, traits)]
        if (before === after) continue
        affected++
        const now = clock.now()
        tally.add({
          accountId: row.accountId,
          name: typeof traits.name === 'string' ? traits.name : null,
          before: await score(row, before, now),
          after: await score(row, after, now),
        })
        timedOut = clock.now() - startedAt > BUDGET_MS
        if (timedOut) break
      }
    }
    return { accounts, evaluated, sampled: evaluated < accounts, affected, ...tally.result() }
  }
}
