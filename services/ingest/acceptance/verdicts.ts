import { z } from 'zod'
import type { ItemFault } from '../core/incoming-item.ts'

const itemProblemSchema = z.object({
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.object({ pointer: z.string(), code: z.string(), detail: z.string() })),
})

export const resultSchema = z.object({
  index: z.int().min(0),
  id: z.string().optional(),
  status: z.enum(['accepted', 'duplicate', 'conflict', 'rejected']),
  problem: itemProblemSchema.optional(),
  retryable: z.boolean().optional().describe('Whether the same item may be accepted when sent again'),
})

export const outcomeSchema = z
  .object({
    accepted: z.int().describe('New events, acknowledged by the log'),
    duplicate: z.int().describe('Events whose id is known with the same content'),
    rejected: z.int().describe('Events that are not valid, or whose id is known with different content'),
    results: z.array(resultSchema),
  })
  .meta({
    examples: [
      { accepted: 1, duplicate: 0, rejected: 0, results: [{ index: 0, id: 'evt-1', status: 'accepted' }] },
      {
        accepted: 0,
        duplicate: 0,
        rejected: 1,
        results: [
          {
            index: 0,
            id: 'evt-2',
            status: 'rejected',
            problem: {
              code: 'invalid_event',
              detail: 'More than 5 minutes in the future',
              errors: [
                { pointer: '/0/occurredAt', code: 'in_the_future', detail: 'More than 5 minutes in the future' },
              ],
            },
            retryable: false,
          },
        ],
      },
    ],
  })

export type Result = {
  readonly index: number
  readonly id?: string | undefined
  readonly status: 'accepted' | 'duplicate' | 'conflict' | 'rejected'
  readonly problem?: { readonly code: string; readonly detail: string; readonly errors: readonly ItemFault[] }
  readonly retryable?: boolean
}

export type Outcome = {
  readonly accepted: number
  readonly duplicate: number
  readonly rejected: number
  readonly results: readonly Result[]
  /** An atomic request with a bad item: nothing may be published. */
  readonly abandoned: boolean
}

export const rejected = (index: number, id: string | undefined, errors: readonly ItemFault[]): Result => ({
  index,
  id,
  status: 'rejected',
  problem: { code: 'invalid_event', detail: errors[0]?.detail ?? 'Not valid', errors },
  retryable: false,
})

const NOT_TRIED = {
  status: 'rejected',
  problem: { code: 'not_tried', detail: 'Another item of this atomic request was rejected', errors: [] },
  retryable: true,
} as const

const isGood = ({ status }: Result): boolean => status === 'accepted' || status === 'duplicate'

/** Counts the verdicts. In an atomic request one bad item rejects all new items. */
export const summarize = (verdicts: readonly Result[], atomic: boolean): Outcome => {
  const abandoned = atomic && !verdicts.every(isGood)
  const results = abandoned
    ? verdicts.map((result) => (isGood(result) ? { index: result.index, id: result.id, ...NOT_TRIED } : result))
    : verdicts
  let accepted = 0
  let duplicate = 0
  for (const { status } of results) {
    if (status === 'accepted') accepted += 1
    else if (status === 'duplicate') duplicate += 1
  }
  return { accepted, duplicate, rejected: results.length - accepted - duplicate, results, abandoned }
}
