import { createRandom } from './random.ts'

export type DemoAccount = {
  readonly accountId: string
  readonly name: string
  readonly users: readonly string[]
  readonly seats: number
  readonly plan: 'team' | 'business' | 'enterprise'
  /** Cents a month. */
  readonly mrr: number
  readonly ownerId: string
  /** Share of days on which a user is active. */
  readonly zeal: number
  readonly character: 'thriving' | 'quiet' | 'fading'
}

const FIRST = ['Aster', 'Birch', 'Cobalt', 'Delta', 'Ember', 'Fjord', 'Garnet', 'Harbor', 'Indigo', 'Juniper']
const LAST = ['Bank', 'Clinic', 'Foods', 'Labs', 'Media', 'Rail']
const OWNERS = ['maria', 'jonas', 'aisha', 'tom']
const CHARACTERS = ['thriving', 'thriving', 'quiet', 'thriving', 'quiet', 'fading'] as const
const ZEAL = { thriving: [0.45, 0.85], quiet: [0.04, 0.18], fading: [0.5, 0.7] } as const
const PRICE_CENTS = { team: 4_900, business: 9_900, enterprise: 19_900 }

/** Sixty imaginary customers: half thrive, a third is quiet, a sixth has faded for six weeks. */
export const createPortfolio = (): DemoAccount[] => {
  const random = createRandom(7)
  return FIRST.flatMap((first) =>
    LAST.map((last, column) => {
      const name = `${first} ${last}`
      const accountId = name.toLowerCase().replace(' ', '-')
      const users = Array.from({ length: random.integer(4, 9) }, (_, i) => `${accountId}-u${i + 1}`)
      const seats = users.length + random.integer(0, 3)
      const plan = random.pick(['team', 'business', 'enterprise'] as const)
      const character = CHARACTERS[column]!
      const [least, most] = ZEAL[character]
      return {
        accountId,
        name,
        users,
        seats,
        plan,
        mrr: PRICE_CENTS[plan] * seats,
        ownerId: random.pick(OWNERS),
        zeal: least + random.next() * (most - least),
        character,
      }
    }),
  )
}
