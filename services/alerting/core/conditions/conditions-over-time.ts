import type { FactName } from '#libs/contracts/facts.ts'
import { isOrdered, type Truth } from '#libs/contracts/three-valued.ts'
import { type Condition, type EvaluationInput, earliest, type Memory, type MemoryCell } from './condition.ts'

/** One evaluation, and what its conditions leave behind. */
export type Walk = {
  readonly input: EvaluationInput
  readonly memory: Memory
  kept: Record<string, MemoryCell> | null
  dueAt: number | null
}
/** Remembered values per span, at most. */
const POINTS_PER_SPAN = 64

const keep = (walk: Walk, pointer: string, cell: MemoryCell): void => {
  walk.kept ??= {}
  walk.kept[pointer] = cell
}

const due = (walk: Walk, at: number): void => {
  if (at > walk.input.at) walk.dueAt = earliest(walk.dueAt, at)
}

/** True once `inner` was true for the whole span. Unknown values neither count nor restart it. */
export const heldFor = (walk: Walk, forMs: number, inner: Truth, pointer: string): Truth => {
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
export const previouslyWas = (walk: Walk, inner: Truth, pointer: string): Truth => {
  const cell = (walk.memory[pointer] as readonly [Truth, Truth] | undefined) ?? UNSEEN
  const [older, newest] = cell
  const moved = walk.input.fresh && inner !== null
  keep(walk, pointer, moved && !(older === newest && newest === inner) ? [newest, inner] : cell)
  return moved ? newest : inner === null ? null : older
}

/** Compares the fact's change over a span; unknown until the fact was seen for that long. */
export const changedBy = (walk: Walk, node: Extract<Condition, { change: FactName }>, pointer: string): Truth => {
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
