import type { Model } from '#libs/contracts/health-model.ts'
import type { WorkSlots } from '#libs/http/limits/work-slots.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import { createTimeSlices } from '#libs/runtime/time-slices.ts'
import { countAccounts, readShuffled, type ShuffledAccount, type StoredAccount } from '../accounts/account-store.ts'
import { loadStored } from '../accounts/load-stored.ts'
import { createAccount } from '../core/account/account.ts'
import { evaluateAt } from '../core/account/evaluate-account.ts'
import { decodeState } from '../core/codec/state-codec.ts'
import { chooseModel, type TenantModels, withModel } from '../core/models/choose-model.ts'
import { type CompiledModel, compileModel } from '../core/models/model.ts'
import { createPreviewTally, type PreviewTally, type Scored } from '../core/models/preview-tally.ts'
import type { AccountState } from '../core/state/state.ts'
import type { LiveModels } from '../models/live-models.ts'
import { findNone } from './find-beginning.ts'
import { foldLog } from './fold-as-of.ts'

const BUDGET_MS = 5_000
/** Accounts of one read: their traits tell which of them the model would score. */
const PART_ACCOUNTS = 500
/** Accounts whose states are in memory at once. */
const STATES_AT_ONCE = 25
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

/** Ends a preview, wherever it is. */
class BudgetSpent extends Error {}

type Affected = { readonly before: CompiledModel; readonly after: CompiledModel; readonly account: ShuffledAccount }

export const createPreviewModel = (deps: {
  readonly database: Database
  readonly clock: Clock
  readonly liveModels: LiveModels
  readonly previewSlots: WorkSlots
}): PreviewModel => {
  const { database, clock, liveModels, previewSlots } = deps

  const preview: PreviewModel = async (tenantId, model) => {
    const endsAt = clock.now() + BUDGET_MS
    const spend = (): void => {
      if (clock.now() > endsAt) throw new BudgetSpent()
    }
    const live = liveModels.liveOf(tenantId)
    const next = withModel(live, compileModel(model))
    const accounts = await countAccounts(database, tenantId)
    const tally = createPreviewTally(MAX_ITEMS)
    const slices = createTimeSlices()
    let evaluated = 0
    let affected = 0

    /** Counts the events anew if the model counts them otherwise than the stored state. */
    const score = async (row: StoredAccount, by: CompiledModel): Promise<Scored> => {
      const now = clock.now()
      const account = { ...createAccount(row, by, null), override: row.override }
      account.state = await stateBy(row, by, now)
      const at = Math.max(now, row.evaluatedAt)
      const { score, band } = evaluateAt(account, liveModels.contextOf(account, at), at, row)
      return { score, band }
    }
    const stateBy = async (row: StoredAccount, by: CompiledModel, now: number): Promise<AccountState> => {
      if (liveModels.version(row).fingerprint === by.fingerprint) return decodeState(row.state)
      const asked = { sql: database, key: row, zone: liveModels.zone, findBeginning: findNone, onEvent: spend }
      const [fold] = await foldLog(asked, [{ at: now, model: by }])
      return fold!.counters.state
    }
    const compare = async (some: readonly Affected[]): Promise<void> => {
      const keys = some.map(({ account }) => account)
      const rows = new Map((await loadStored(database, keys, liveModels)).map((row) => [row.accountId, row]))
      for (const { account, before, after } of some) {
        spend()
        const { accountId, traits } = account
        const row = rows.get(accountId)
        // Undefined: it was erased since.
        if (row !== undefined) {
          const name = typeof traits?.name === 'string' ? traits.name : null
          tally.add({ accountId, name, before: await score(row, before), after: await score(row, after) })
          affected++
        }
        evaluated++
        if (slices.isOver()) await slices.next()
      }
    }
    const evaluatePart = async (part: readonly ShuffledAccount[]): Promise<void> => {
      const changed = part.map((account) => affectedBy(live, next, account)).filter((one) => one !== null)
      evaluated += part.length - changed.length
      for (let from = 0; from < changed.length; from += STATES_AT_ONCE)
        await compare(changed.slice(from, from + STATES_AT_ONCE))
    }
    try {
      for (let after: ShuffledAccount | undefined; ; ) {
        const part = await readShuffled(database, tenantId, { after, limit: PART_ACCOUNTS })
        spend()
        await evaluatePart(part)
        if (slices.isOver()) await slices.next()
        if (part.length < PART_ACCOUNTS) break
        after = part.at(-1)
      }
    } catch (error) {
      if (!(error instanceof BudgetSpent)) throw error
    }
    return { accounts, evaluated, sampled: evaluated < accounts, affected, ...tally.result() }
  }
  return (tenantId, model) => previewSlots(tenantId, () => preview(tenantId, model))
}

/** Null: the same model scores the account. */
const affectedBy = (live: TenantModels, next: TenantModels, account: ShuffledAccount): Affected | null => {
  const traits = account.traits ?? {}
  const [before, after] = [chooseModel(live, traits), chooseModel(next, traits)]
  return before === after ? null : { before, after, account }
}
