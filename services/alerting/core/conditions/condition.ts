import type { Facts } from '#libs/contracts/account-health.ts'
import type { FactName } from '#libs/contracts/facts.ts'
import type { Ordering, Truth } from '#libs/contracts/three-valued.ts'

export type Scalar = string | number | boolean

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

/** What conditions remember between evaluations, by JSON pointer: since when, or past values. */
export type Memory = Readonly<Record<string, MemoryCell>>
export type MemoryCell = number | readonly [Truth, Truth] | readonly (readonly [number, number])[]

export type EvaluationInput = {
  readonly facts: Facts
  readonly at: number
  /** The facts are new; false: only time has passed. */
  readonly fresh: boolean
}

export type Questions = { readonly when: Condition; readonly recovers: Condition }

export type Verdict = {
  readonly when: Truth
  readonly recovers: Truth
  readonly memory: Memory
  /** Earliest instant at which the verdict can change by time alone. */
  readonly dueAt: number | null
}

/** The one memory of conditions that remember nothing. */
export const NO_MEMORY: Memory = {}

export const earliest = (left: number | null, right: number | null): number | null =>
  left === null ? right : right === null ? left : Math.min(left, right)
