import type { Facts } from '#libs/contracts/account-health.ts'
import type { FactName } from '#libs/contracts/facts.ts'
import { isOrdered, negate, type Truth } from '#libs/runtime/three-valued.ts'
import {
  type Condition,
  type EvaluationInput,
  earliest,
  type Memory,
  type MemoryCell,
  NO_MEMORY,
  type Questions,
  type Verdict,
} from './condition.ts'

/** Remembered values per span, at most. */
const POINTS_PER_SPAN = 64

/**
 * Evaluates both conditions of a rule. The verdict holds the memory for the next evaluation: the
 * same object when it is unchanged.
 */
export const evaluate = ({ when, recovers }: Questions, input: EvaluationInput, memory: Memory): Verdict => {
  const walk: Walk = { input, memory, kept: null, dueAt: null }
  const opens = compiled(when, '/when')(walk)
  const ends = compiled(recovers, '/recovers')(walk)
  return { when: opens, recovers: ends, memory: keptOf(walk), dueAt: walk.dueAt }
}

const keptOf = ({ kept, memory }: Walk): Memory => {
  if (kept === null) return NO_MEMORY
  let more = 0
  for (const pointer in kept) {
    if (kept[pointer] !== memory[pointer]) return kept
    more++
  }
  for (const _ in memory) more--
  return more === 0 ? memory : kept
}

/** One evaluation, and what its conditions leave behind. */
type Walk = {
  readonly input: EvaluationInput
  readonly memory: Memory
  kept: Record<string, MemoryCell> | null
  dueAt: number | null
}
type Look = (walk: Walk) => Truth

/** Compiles a condition once per place: it is evaluated many thousand times a second. */
const COMPILED = new WeakMap<Condition, { readonly root: string; readonly look: Look }>()

const compiled = (condition: Condition, root: string): Look => {
  const known = COMPILED.get(condition)
  if (known?.root === root) return known.look
  const { look } = compile(condition, root)
  COMPILED.set(condition, { root, look })
  return look
}

/** `remembers`: it must be evaluated each time, even if the others have settled the answer. */
type Part = { readonly look: Look; readonly remembers: boolean }

const compile = (node: Condition, pointer: string): Part => {
  const parts = (nodes: readonly Condition[], name: string) =>
    nodes.map((part, i) => compile(part, `${pointer}/${name}/${i}`))
  if ('all' in node) return settledBy(false, parts(node.all, 'all'))
  if ('any' in node) return settledBy(true, parts(node.any, 'any'))
  if ('not' in node) {
    const { look, remembers } = compile(node.not, `${pointer}/not`)
    return { look: (walk) => negate(look(walk)), remembers }
  }
  if ('that' in node) {
    const { look } = compile(node.that, `${pointer}/that`)
    return { look: (walk) => held(walk, node.forMs, look(walk), pointer), remembers: true }
  }
  if ('previously' in node) {
    const { look } = compile(node.previously, `${pointer}/previously`)
    return { look: (walk) => before(walk, look(walk), pointer), remembers: true }
  }
  if ('change' in node) return { look: (walk) => changed(walk, node, pointer), remembers: true }
  return { look: ({ input }) => compareFact(node, input.facts), remembers: false }
}

/** All (`settling` false) or any (`settling` true): one settles it, else an unknown one does. */
const settledBy = (settling: boolean, all: readonly Part[]): Part => {
  const parts = [...all].sort((a, b) => Number(b.remembers) - Number(a.remembers))
  const look: Look = (walk) => {
    let truth: Truth = !settling
    for (const part of parts) {
      if (truth === settling && !part.remembers) break
      const one = part.look(walk)
      if (one === settling) truth = settling
      else if (one === null && truth !== settling) truth = null
    }
    return truth
  }
  return { look, remembers: parts.some(({ remembers }) => remembers) }
}

const keep = (walk: Walk, pointer: string, cell: MemoryCell): void => {
  walk.kept ??= {}
  walk.kept[pointer] = cell
}

const due = (walk: Walk, at: number): void => {
  if (at > walk.input.at) walk.dueAt = earliest(walk.dueAt, at)
}

/** True once `inner` was true for the whole span. Unknown values neither count nor restart it. */
const held = (walk: Walk, forMs: number, inner: Truth, pointer: string): Truth => {
  const remembered = walk.memory[pointer] as number | undefined
  if (inner === false) return false
  if (inner === null && remembered === undefined) return null
  const { at } = walk.input
  const since = remembered ?? at
  keep(walk, pointer, since)
  due(walk, since + forMs)
  return inner === null ? null : at >= since + forMs
}

const UNSEEN: readonly [Truth, Truth] = [null, null]

/** What `inner` was by the facts before these. Skips unknown values. */
const before = (walk: Walk, inner: Truth, pointer: string): Truth => {
  const cell = (walk.memory[pointer] as readonly [Truth, Truth] | undefined) ?? UNSEEN
  const [older, newest] = cell
  const moved = walk.input.fresh && inner !== null
  keep(walk, pointer, moved && !(older === newest && newest === inner) ? [newest, inner] : cell)
  return moved ? newest : inner === null ? null : older
}

/** Compares the fact's change over a span; unknown until the fact was seen for that long. */
const changed = (walk: Walk, node: Extract<Condition, { change: FactName }>, pointer: string): Truth => {
  const { facts, at } = walk.input
  const value = facts[node.change]
  const seen = (walk.memory[pointer] as readonly (readonly [number, number])[] | undefined) ?? []
  const points = typeof value === 'number' ? withPoint(seen, [at, value], node.overMs) : seen
  const from = at - node.overMs
  const first = points.findLastIndex(([when]) => when <= from)
  const needed = first > 0 ? points.slice(first) : points
  keep(walk, pointer, needed)
  const next = needed.find(([when]) => when > from)
  if (next) due(walk, next[0] + node.overMs)
  if (first < 0 || typeof value !== 'number') return null
  return isOrdered(value - needed[0]![1], node.op, node.value)
}

const withPoint = (
  points: readonly (readonly [number, number])[],
  point: readonly [number, number],
  overMs: number,
): readonly (readonly [number, number])[] => {
  const last = points.at(-1)
  if (last?.[1] === point[1]) return points
  // Remembers a value that moves all the time coarsely: one value per step.
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
  return typeof value === 'number' && typeof other === 'number' ? isOrdered(value, node.op, other) : null
}
