import fc from 'fast-check'
import { commerce, invoices, life, relations, traits } from './random-commerce.ts'
import type { Scene } from './random-scenes.ts'
import {
  activity,
  csat,
  goodCustomer,
  nps,
  onboarding,
  planLimits,
  quietTypes,
  regularUse,
  support,
  value,
} from './random-threads.ts'

/** A few threads of an account's life, side by side. */
export const stories = (startAt: number): fc.Arbitrary<readonly Scene[]> =>
  fc
    .array(
      fc.oneof(
        { weight: 3, arbitrary: regularUse },
        { weight: 2, arbitrary: goodCustomer },
        { weight: 3, arbitrary: activity },
        { weight: 1, arbitrary: quietTypes },
        { weight: 1, arbitrary: planLimits },
        { weight: 2, arbitrary: value },
        { weight: 4, arbitrary: onboarding },
        { weight: 3, arbitrary: support },
        { weight: 2, arbitrary: nps },
        { weight: 2, arbitrary: csat },
        { weight: 4, arbitrary: commerce(startAt) },
        { weight: 2, arbitrary: invoices },
        { weight: 2, arbitrary: traits(startAt) },
        { weight: 2, arbitrary: relations },
        { weight: 1, arbitrary: life },
      ),
      { minLength: 1, maxLength: 12 },
    )
    .map((threads) => threads.flat())
