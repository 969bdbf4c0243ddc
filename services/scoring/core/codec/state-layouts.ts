import { STATE_LAYOUT } from './state-codec.ts'

/** Bytes of one layout as bytes of the next. */
export type StateConverter = (state: Buffer) => Buffer

/** What becomes of a former layout's states. */
export type FormerLayouts = Readonly<Record<number, StateConverter | 'refold'>>

/**
 * The one place where a release says how it reads the states of the releases before it. It
 * raises `STATE_LAYOUT`, and adds a row for the layout it leaves: a converter to the next layout
 * where the bytes hold all that the new ones need, else `refold`: the log is folded anew. Every
 * account is brought to today's layout in the background before a process counts events.
 *
 * Layouts 1 and 2 cannot be converted. Both changed their bytes under one number, and migration
 * 008 deleted the rows in which layout 2 kept tickets.
 */
export const FORMER_LAYOUTS: FormerLayouts = { 1: 'refold', 2: 'refold' }

const layoutOf = (state: Buffer): number | undefined => state[0]

export const isCurrentLayout = (state: Buffer): boolean => layoutOf(state) === STATE_LAYOUT

/** The state in today's layout; null: its account must be folded anew. An unknown layout must. */
export const convertState = (state: Buffer, former: FormerLayouts = FORMER_LAYOUTS): Buffer | null => {
  let converted = state
  while (!isCurrentLayout(converted)) {
    const layout = layoutOf(converted)
    const step = layout === undefined || layout > STATE_LAYOUT ? undefined : former[layout]
    if (step === undefined || step === 'refold') return null
    converted = step(converted)
    if (!(layoutOf(converted)! > layout!)) throw new Error(`the converter of layout ${layout} does not lead on`)
  }
  return converted
}
