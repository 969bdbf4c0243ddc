import { expect, test } from 'vitest'
import { STATE_LAYOUT } from './state-codec.ts'
import { convertState, FORMER_LAYOUTS, type StateConverter } from './state-layouts.ts'

const to =
  (layout: number): StateConverter =>
  (state) =>
    Buffer.from([layout, ...state.subarray(1), layout])
const newest = STATE_LAYOUT
const [before, long] = [STATE_LAYOUT - 1, STATE_LAYOUT - 2]

test('a state of today is left as it is', () => {
  const state = Buffer.from([newest, 7])
  expect(convertState(state)).toBe(state)
})

test('a state is converted from layout to layout until it has the newest', () => {
  const former = { [long]: to(before), [before]: to(newest) }
  expect(convertState(Buffer.from([long, 7]), former)).toEqual(Buffer.from([newest, 7, before, newest]))
})

test('one layout on the way that must be folded anew, or that nobody knows, means that the state must be', () => {
  expect(convertState(Buffer.from([long, 7]), { [long]: to(before), [before]: 'refold' })).toBeNull()
  expect(convertState(Buffer.from([long, 7]), { [before]: to(newest) })).toBeNull()
  expect(convertState(Buffer.from([newest + 1, 7]), { [newest + 1]: to(newest) })).toBeNull()
  expect(convertState(Buffer.alloc(0))).toBeNull()
})

test('a converter that leads nowhere is a fault, not an endless loop', () => {
  expect(() => convertState(Buffer.from([before]), { [before]: to(before) })).toThrow('does not lead on')
})

test('a release says of every layout before its own what becomes of it', () => {
  const layouts = Array.from({ length: STATE_LAYOUT - 1 }, (_, i) => String(i + 1))
  expect(Object.keys(FORMER_LAYOUTS)).toEqual(layouts)
})
