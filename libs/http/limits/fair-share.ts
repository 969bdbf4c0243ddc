/** A bounded room that several holders share. */
export type FairShare = {
  /** The bounds are met for `amount` more now. */
  readonly fits: (holder: string, amount: number) => boolean
  /** Takes `amount` for the holder; false, and nothing is taken, when there is no room. */
  readonly take: (holder: string, amount: number) => boolean
  readonly giveBack: (holder: string, amount: number) => void
}

/**
 * A holder may have as much as is still free: one alone half of the room, two a third each. So a
 * holder always leaves room for others, and one that is alone is not held to a small part.
 */
export const createFairShare = (size: number): FairShare => {
  const held = new Map<string, number>()
  let total = 0
  const fits = (holder: string, amount: number): boolean => (held.get(holder) ?? 0) + amount <= size - total
  return {
    fits,
    take: (holder, amount) => {
      if (!fits(holder, amount)) return false
      held.set(holder, (held.get(holder) ?? 0) + amount)
      total += amount
      return true
    },
    giveBack: (holder, amount) => {
      const left = (held.get(holder) ?? 0) - amount
      if (left > 0) held.set(holder, left)
      else held.delete(holder)
      total -= amount
    },
  }
}
