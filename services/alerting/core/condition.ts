import type { Facts } from '#libs/contracts/account-health.ts'

export type FactName = Exclude<keyof Facts, 'topContributions'>
export type Scalar = string | number | boolean
export type Ordering = '<' | '<=' | '>' | '>='

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

/** Null = cannot be known from these facts (Kleene's third value). */
export type Truth = boolean | null

/** What the parts of a condition remember between evaluations, by their JSON pointer: since when, or the values seen. */
export type Memory = Readonly<Record<string, MemoryCell>>
export type MemoryCell = number | readonly [Truth, Truth] | readonly (readonly [number, number])[]

export type Glance = {
  readonly facts: Facts
  readonly at: number
  /** True when the facts are new; false when only time has passed since they were seen. */
  readonly fresh: boolean
}

export type Verdict = {
  readonly truth: Truth
  readonly memory: Memory
  /** Earliest instant at which the verdict can change while the facts stay as they are. */
  readonly dueAt: number | null
}

/** A span is covered by at most this many remembered values. */
const POINTS_PER_SPAN = 64

/** Answers a condition over facts. Pure: what it must remember is in the verdict's memory, to be given back next time. */
export const evaluate = (condition: Condition, glance: Glance, memory: Memory, root = ''): Verdict => {
  const kept: Record<string, MemoryCell> = {}
  let dueAt: number | null = null
  const due = (at: number): void => {
    if (at > glance.at) dueAt = earliest(dueAt, at)
  }

  const visit = (node: Condition, pointer: string): Truth => {
    if ('all' in node) return every(node.all.map((part, i) => visit(part, `${pointer}/all/${i}`)))
    if ('any' in node) return negate(every(node.any.map((part, i) => negate(visit(part, `${pointer}/any/${i}`)))))
    if ('not' in node) return negate(visit(node.not, `${pointer}/not`))
    if ('that' in node) return held(node.forMs, visit(node.that, `${pointer}/that`), pointer)
    if ('previously' in node) return before(visit(node.previously, `${pointer}/previously`), pointer)
    if ('change' in node) return changed(node, pointer)
    return compareFact(node, glance.facts)
  }

  /** True once `inner` has been true for the whole span; what is unknown neither counts nor starts again. */
  const held = (forMs: number, inner: Truth, pointer: string): Truth => {
    const remembered = memory[pointer] as number | undefined
    if (inner === false) return false
    if (inner === null && remembered === undefined) return null
    const since = remembered ?? glance.at
    kept[pointer] = since
    due(since + forMs)
    if (inner === null) return null
    return glance.at >= since + forMs
  }

  /** What `inner` was when the facts before these were seen; unknown facts are passed over. */
  const before = (inner: Truth, pointer: string): Truth => {
    const [older, newest] = (memory[pointer] as readonly [Truth, Truth] | undefined) ?? [null, null]
    const moved = glance.fresh && inner !== null
    kept[pointer] = moved ? [newest, inner] : [older, newest]
    return moved ? newest : inner === null ? null : older
  }

  /** The fact's difference to its value a span ago; unknown until it has been seen for that long. */
  const changed = (node: Extract<Condition, { change: FactName }>, pointer: string): Truth => {
    const value = glance.facts[node.change]
    const seen = (memory[pointer] as readonly (readonly [number, number])[] | undefined) ?? []
    const points = typeof value === 'number' ? withPoint(seen, [glance.at, value], node.overMs) : seen
    const from = glance.at - node.overMs
    const first = points.findLastIndex(([at]) => at <= from)
    const needed = points.slice(Math.max(0, first))
    kept[pointer] = needed
    const next = needed.find(([at]) => at > from)
    if (next) due(next[0] + node.overMs)
    if (first < 0 || typeof value !== 'number') return null
    return ordered(value - needed[0]![1], node.op, node.value)
  }

  const truth = visit(condition, root)
  return { truth, memory: kept, dueAt }
}

const withPoint = (
  points: readonly (readonly [number, number])[],
  point: readonly [number, number],
  overMs: number,
): readonly (readonly [number, number])[] => {
  const last = points.at(-1)
  if (last?.[1] === point[1]) return points
  // A value that moves all the time is remembered coarsely: a newer one replaces one of the same small step.
  const step = Math.max(1, Math.floor(overMs / POINTS_PER_SPAN))
  const crowded = last && points.length > 1 && Math.floor(last[0] / step) === Math.floor(point[0] / step)
  return crowded ? [...points.slice(0, -1), [last[0], point[1]]] : [...points, point]
}

type FactNode = Extract<Condition, { fact: FactName }>

const compareFact = (node: FactNode, facts: Facts): Truth => {
  const value = facts[node.fact]
  if (node.op === 'known') return value !== null
  if (node.op === 'unknown') return value === null
  if (value === null) return null
  if (node.op === 'in') return node.values.includes(value)
  if (node.op === 'not_in') return !node.values.includes(value)
  const other = 'than' in node ? facts[node.than] : 'value' in node ? node.value : null
  if (other === null) return null
  if (node.op === '==') return value === other
  if (node.op === '!=') return value !== other
  return typeof value === 'number' && typeof other === 'number' ? ordered(value, node.op, other) : null
}

const ordered = (left: number, op: Ordering, right: number): boolean => {
  switch (op) {
    case '<':
      return left < right
    case '<=':
      return left <= right
    case '>':
      return left > right
    case '>=':
      return left >= right
  }
}

const negate = (truth: Truth): Truth => (truth === null ? null : !truth)
const every = (truths: readonly Truth[]): Truth =>
  truths.includes(false) ? false : truths.includes(null) ? null : true

export const earliest = (left: number | null, right: number | null): number | null =>
  left === null ? right : right === null ? left : Math.min(left, right)
