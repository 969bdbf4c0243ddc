import type { Zone } from '#libs/time/time-zone.ts'
import type { CompiledModel } from '../models/model.ts'
import type { Timeline } from './timeline.ts'

export type Renewal = {
  readonly renewalDay: number | null
  readonly termMonths: number | null
  readonly autoRenew: boolean | null
}

export type Subscriptions = {
  readonly any: boolean
  readonly anyLive: boolean
  readonly anyScheduled: boolean
  readonly mrr: number | null
  readonly renewal: Renewal
}

/** What was computed from a state and still holds; never stored. */
export type Memo = {
  timeline?: (Timeline & { readonly model: CompiledModel; readonly zone: Zone }) | undefined
  subscriptions?: Subscriptions | undefined
  /** Bytes as a text of one unit each: a small buffer would keep its slab of 8 KB in memory. */
  journeyBytes?: string | undefined
  interactionsBytes?: string | undefined
}

/** Sections that memos rest on. A fold says which of them it touched. */
export type Section = 'firstEvent' | 'traits' | 'renewalTraits' | 'journey' | 'subscriptions' | 'interactions'

const RESTING_ON: Readonly<Record<Section, readonly (keyof Memo)[]>> = {
  firstEvent: ['timeline'],
  traits: ['subscriptions', 'journeyBytes'],
  renewalTraits: ['timeline', 'subscriptions', 'journeyBytes'],
  journey: ['timeline', 'journeyBytes'],
  subscriptions: ['timeline', 'subscriptions', 'interactionsBytes'],
  interactions: ['interactionsBytes'],
}

/** The one place that drops a memo. */
export const dropMemos = (memo: Memo, section: Section): void => {
  for (const name of RESTING_ON[section]) memo[name] = undefined
}
