/**
 * What is sent, and what it must lead to: written from the specification alone, with a seed, so
 * that a run can be repeated.
 */
export type StoryEvent = {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly accountId: string
  readonly userId?: string
  readonly occurredAt: string
  readonly properties: Readonly<Record<string, unknown>>
}

export type Kind = 'busy' | 'quiet' | 'failing' | 'paid' | 'failing-again' | 'detractor'
export const KINDS: readonly Kind[] = ['busy', 'quiet', 'failing', 'paid', 'failing-again', 'detractor']

/**
 * Events of one act may be sent in any order; an act begins when the one before was acknowledged
 * whole.
 */
export type Story = { readonly kindOf: ReadonlyMap<string, Kind>; readonly acts: readonly (readonly StoryEvent[])[] }

const DAY_MS = 86_400_000
/** Live events may be at most 32 days old. */
const OLDEST_DAYS = 31
const QUIET_DAYS = 20

/** Numbers in [0, 1) from a seed (mulberry32). */
export const createRandom = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export const shuffled = <Item>(items: readonly Item[], random: () => number): Item[] => {
  const mixed = [...items]
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!]
  }
  return mixed
}

type Made = Omit<StoryEvent, 'id' | 'source' | 'occurredAt'> & { readonly at: number }

/**
 * Acts: a sign of life of every account that is not quiet (so that none of them is silent for a
 * moment), the mass of the events in any order, the payments of what had failed, and the invoices
 * that fail after that.
 */
export const narrateStory = (options: { events: number; accounts: number; seed: number; now: number }): Story => {
  const { now } = options
  const random = createRandom(options.seed)
  const below = (count: number): number => Math.floor(random() * count)
  const kindOf = new Map<string, Kind>()
  const acts: Made[][] = [[], [], [], []]
  for (let i = 0; i < options.accounts; i++) {
    const accountId = `account-${i}`
    const kind = KINDS[i % KINDS.length]!
    kindOf.set(accountId, kind)
    const at = (daysAgo: number): number => now - Math.round(daysAgo * DAY_MS) - 60_000
    const narrate = (
      act: number,
      type: string,
      daysAgo: number,
      properties: Record<string, unknown>,
      userId?: string,
    ) => acts[act]!.push({ accountId, type, at: at(daysAgo), properties, ...(userId ? { userId } : {}) })
    if (kind !== 'quiet') narrate(0, 'Signed In', 0, {}, 'u-0')
    if (kind === 'failing') narrate(1, 'Payment Failed', 16, { invoiceId: 'i-1' })
    if (kind === 'paid' || kind === 'failing-again') {
      narrate(1, 'Payment Failed', 18, { invoiceId: 'i-1' })
      narrate(2, 'Invoice Paid', 10, { invoiceId: 'i-1' })
    }
    if (kind === 'failing-again') narrate(3, 'Payment Failed', 3, { invoiceId: 'i-2' })
    if (kind === 'detractor') narrate(1, 'NPS Responded', 5, { score: 2 }, 'u-1')
  }
  const fixed = acts.reduce((sum, act) => sum + act.length, 0)
  for (let n = fixed; n < options.events; n++) {
    const accountId = `account-${below(options.accounts)}`
    const from = kindOf.get(accountId) === 'quiet' ? QUIET_DAYS : 0
    const at = now - 60_000 - Math.floor((from + random() * (OLDEST_DAYS - from)) * DAY_MS)
    const kind = random()
    const made: Made =
      kind < 0.8
        ? {
            accountId,
            type: 'Feature Used',
            userId: `u-${below(12)}`,
            at,
            properties: { feature: `f-${below(4)}`, core: kind < 0.5 },
          }
        : kind < 0.9
          ? { accountId, type: 'Signed In', userId: `u-${below(12)}`, at, properties: {} }
          : { accountId, type: 'Support Ticket Opened', at, properties: { ticketId: `t-${n}`, priority: 'normal' } }
    acts[1]!.push(made)
  }
  let number = 0
  return {
    kindOf,
    acts: acts.map((act) =>
      act.map(({ at, ...event }) => {
        const n = number++
        // Two sources use the same ids: an id is known within its source only.
        return {
          ...event,
          id: `e-${n >> 1}`,
          source: n % 2 === 0 ? 'web' : 'mobile',
          occurredAt: new Date(at).toISOString(),
        }
      }),
    ),
  }
}
