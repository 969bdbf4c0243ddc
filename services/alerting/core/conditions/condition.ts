import type { Facts } from '#libs/contracts/account-health.ts'
import type { FactName } from '#libs/contracts/facts.ts'
import type { Ordering, Truth } from '#libs/runtime/three-valued.ts'

export type Scalar = string | number | boolean

/** What a rule asks of an account's facts. Durations are milliseconds. */
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | { readonly fact: FactName; readonly op: Ordering | '==' | '!='; readonly value: Scalar }
  | { readonly fact: FactName; readonly op: Ordering | '==' | '!='; readonly than: FactName }
  | { readonly fact: FactName; readonly op: 'in' | 'not_in'; readonly values: readonly Scalar[] }
  | { readonly fact: FactName; readonly op: 'known' | 'unknown' }
  | { readonly change: FactName; readonly overMs: number; readonly op: Ordering; readonly value: number }
  | { readonly that: Condition; readonly forMs: number }
  | { readonly previously: Condition }

/** What the parts of a condition remember between evaluations, by their JSON pointer: since when, or the values seen. */
export type Memory = Readonly<Record<string, MemoryCell>>
export type MemoryCell = number | readonly [Truth, Truth] | readonly (readonly [number, number])[]

export type EvaluationInput = {
  readonly facts: Facts
  readonly at: number
  /** True when the facts are new; false when only time has passed since they were seen. */
  readonly fresh: boolean
}

export type Questions = { readonly when: Condition; readonly recovers: Condition }

export type Verdict = {
  readonly when: Truth
  readonly recovers: Truth
  readonly memory: Memory
  /** Earliest instant at which the verdict can change while the facts stay as they are. */
  readonly dueAt: number | null
}

/** Of conditions that remember nothing: always this one. */
export const NO_MEMORY: Memory = {}

export const earliest = (left: number | null, right: number | null): number | null =>
  left === null ? right : right === null ? left : Math.min(left, right)
