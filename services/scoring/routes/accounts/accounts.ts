import { z } from 'zod'
import { bandSchema, stageSchema } from '#libs/contracts/account-health.ts'
import { jsonPointer } from '#libs/http/json-pointer.ts'
import type { WorkSlots } from '#libs/http/limits/work-slots.ts'
import { decodeCursor, pageOf, pageQuery, pageSchema } from '#libs/http/pages.ts'
import { routes } from '#libs/http/routes.ts'
import type { Database } from '#libs/postgres/database.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { dateOfDay } from '#libs/time/time-zone.ts'
import {
  type AccountSummaryRow,
  listAccounts,
  SORT_KEYS,
  type SortKey,
  sortValueOf,
} from '../../queries/account-list-store.ts'
import type { AccountProjector } from '../../queries/project-accounts.ts'

export const SUMMARY_EXAMPLE = {
  accountId: 'acme',
  name: 'Acme Inc.',
  ownerId: 'csm-7',
  score: 73.5839,
  band: 'watch',
  confidence: 0.855,
  stage: 'adoption',
  scoreDelta7d: -2.1,
  scoreDelta28d: null,
  mrr: 120_000,
  renewalDate: '2027-06-30',
  sequence: 42,
  evaluatedAt: '2026-11-22T10:00:00.000Z',
}

export const summarySchema = z
  .object({
    accountId: z.string(),
    name: z.string().nullable(),
    ownerId: z.string().nullable(),
    score: z.number().nullable(),
    band: bandSchema,
    confidence: z.number(),
    stage: stageSchema,
    scoreDelta7d: z.number().nullable(),
    scoreDelta28d: z.number().nullable(),
    mrr: z.number().nullable().describe('Minor units'),
    renewalDate: z.string().nullable(),
    sequence: z.int(),
    evaluatedAt: z.iso.datetime(),
  })
  .meta({ id: 'AccountSummary', examples: [SUMMARY_EXAMPLE] })

const SORTS = SORT_KEYS.flatMap((key) => [key, `-${key}`])

const listQuery = z.looseObject({
  ...pageQuery,
  band: bandSchema.optional(),
  stage: stageSchema.optional(),
  owner: z.string().min(1).max(256).optional(),
  q: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('Words in name or id; a text of less than three characters must begin a word'),
  minScore: z.coerce.number().min(0).max(100).optional(),
  maxScore: z.coerce.number().min(0).max(100).optional(),
  sort: z.enum(SORTS).default('accountId').describe('`-` for descending; `trait.<name>=` filters by a trait'),
})

const cursorSchema = (sort: string) =>
  z.object({ value: sortValue(sort.replace('-', '') as SortKey), accountId: z.string(), sort: z.literal(sort) })

const sortValue = (sort: SortKey) => {
  if (sort === 'accountId') return z.string()
  return sort === 'renewalDate' ? z.int32().nullable() : z.number().nullable()
}

export const toSummary = (row: AccountSummaryRow): z.infer<typeof summarySchema> => ({
  accountId: row.accountId,
  name: row.name,
  ownerId: row.ownerId,
  score: row.score,
  band: bandSchema.parse(row.band),
  confidence: row.confidence,
  stage: stageSchema.parse(row.stage),
  scoreDelta7d: row.scoreDelta7d,
  scoreDelta28d: row.scoreDelta28d,
  mrr: row.mrr,
  renewalDate: row.renewalDay === null ? null : dateOfDay(row.renewalDay),
  sequence: row.sequence,
  evaluatedAt: toInstant(row.evaluatedAt),
})

const traitFilters = (query: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(query)
      .filter(([name, value]) => name.startsWith('trait.') && typeof value === 'string')
      .map(([name, value]) => [name.slice('trait.'.length), value as string]),
  )

/** Each filter by a trait is looked up for each account. */
const MOST_TRAIT_FILTERS = 20

const checkedTraits = (query: Readonly<Record<string, unknown>>): Record<string, string> => {
  const traits = traitFilters(query)
  const [first] = Object.keys(traits).slice(MOST_TRAIT_FILTERS)
  if (first === undefined) return traits
  throw new RequestError(400, 'invalid_parameter', 'A parameter is not valid', [
    {
      pointer: jsonPointer(['query', `trait.${first}`]),
      code: 'too_many_filters',
      detail: `At most ${MOST_TRAIT_FILTERS} filters by traits`,
    },
  ])
}

type Deps = { readonly database: Database; readonly projector: AccountProjector; readonly listSlots: WorkSlots }

export const accountListRoutes = ({ database, projector, listSlots }: Deps) =>
  routes((app) => {
    app.get(
      '/v1/accounts',
      {
        config: { scope: 'read' },
        schema: {
          operationId: 'listAccounts',
          summary: 'Accounts with their score, filtered and sorted',
          tags: ['accounts'],
          querystring: listQuery,
          response: { 200: pageSchema(summarySchema) },
        },
      },
      async ({ query, principal }) => {
        const { band, stage, owner, q, minScore, maxScore, limit } = query
        const descending = query.sort.startsWith('-')
        const sort = query.sort.replace('-', '') as SortKey
        const cursor = decodeCursor(cursorSchema(query.sort), query.cursor)
        const filter = { band, stage, owner, q, minScore, maxScore, traits: checkedTraits(query) }
        const page = { sort, descending, after: cursor, limit: limit + 1 }
        await projector.catchUp()
        const { tenantId } = principal
        const rows = await listSlots(tenantId, () => listAccounts(database, tenantId, filter, page))
        return pageOf(rows, limit, toSummary, (row) => ({
          value: sortValueOf(row, sort),
          accountId: row.accountId,
          sort: query.sort,
        }))
      },
    )
  })
