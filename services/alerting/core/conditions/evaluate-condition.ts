import type { Facts } from '#libs/contracts/account-health.ts'
import type { FactName } from '#libs/contracts/facts.ts'
import { isOrdered, negate, type Truth } from '#libs/contracts/three-valued.ts'
import {
  type Condition,
  type EvaluationInput,
  type Memory,
  NO_MEMORY,
  type Questions,
  type Verdict,
} from './condition.ts'
import { changedBy, heldFor, previouslyWas, type Walk } from './conditions-over-time.ts'

/** The verdict's memory is for the next evaluation: the same object when unchanged. */
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
    return { look: (walk) => heldFor(walk, node.forMs, look(walk), pointer), remembers: true }
  }
  if ('previously' in node) {
    const { look } = compile(node.previously, `${pointer}/previously`)
    return { look: (walk) => previouslyWas(walk, look(walk), pointer), remembers: true }
  }
  if ('change' in node) return { look: (walk) => changedBy(walk, node, pointer), remembers: true }
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
