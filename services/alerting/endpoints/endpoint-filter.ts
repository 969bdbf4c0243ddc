import { z } from 'zod'
import { SEVERITIES } from '#libs/contracts/severity.ts'
import { issuesText } from '#libs/http/json-pointer.ts'
import type { EndpointFilter } from '../core/delivery/matches-endpoint.ts'

const name = z.string().min(1).max(256)
const anyOf = <Item extends z.ZodType>(item: Item) => z.union([item, z.array(item).min(1).max(100)])

export const filterSchema = z
  .strictObject({
    accountId: anyOf(name).optional(),
    ownerId: anyOf(name).optional(),
    severity: anyOf(z.enum(SEVERITIES)).optional(),
    traits: z.record(name, anyOf(z.union([z.string().max(256), z.number(), z.boolean()]))).optional(),
  })
  .describe('Every member must match; a list matches by any of its values')

export type ReadFilter = {
  readonly filter: z.infer<typeof filterSchema> & EndpointFilter
  /** Null: all of it could be read. */
  readonly problem: string | null
}

/**
 * A filter as it is stored. Another release may have written members that this one cannot read:
 * these are left out. Every member only narrows, so that what is left loses no notification, and
 * an endpoint that is for one account still gets no other.
 */
export const readFilter = (stored: unknown): ReadFilter => {
  const read = filterSchema.safeParse(stored)
  if (read.success) return { filter: read.data, problem: null }
  const members: object = typeof stored === 'object' && stored !== null ? stored : {}
  const readable = Object.entries(members).filter(
    ([member, value]) => filterSchema.safeParse({ [member]: value }).success,
  )
  return { filter: filterSchema.parse(Object.fromEntries(readable)), problem: issuesText(read.error.issues) }
}
