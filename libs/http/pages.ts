import { z } from 'zod'
import { RequestError } from '#libs/runtime/errors.ts'
import { findJsonFault, isBadText } from './limits/json-limits.ts'

export const DEFAULT_LIMIT = 50

/** Query of every list: `z.object({ ...pageQuery, band: ... })`. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(500).default(DEFAULT_LIMIT).describe('Items of a page'),
  cursor: z.string().min(1).max(2_000).optional().describe('`nextCursor` of the page before'),
}

/** Answer of every list. `nextCursor` is null on the last page. */
export const pageSchema = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() })

/** The sort values of the last item, opaque to callers. */
export const encodeCursor = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const badCursor = () =>
  new RequestError(400, 'invalid_parameter', 'The cursor is not one of ours', [
    { pointer: '/query/cursor', code: 'invalid_cursor', detail: 'Use `nextCursor` of the page before, unchanged' },
  ])

/** An instant in a cursor, in epoch ms: from 4,000 BC to the last that JavaScript knows. */
export const cursorInstant = z.number().min(-188_395_006_000_000).max(8_640_000_000_000_000)

/** What PostgreSQL takes as a parameter, whatever the schema asks. */
const LIMITS = { maxDepth: 2, maxKeys: 8, isBad: isBadText }

const hasHugeNumber = (value: unknown): boolean =>
  typeof value === 'number'
    ? Math.abs(value) > Number.MAX_SAFE_INTEGER
    : typeof value === 'object' && value !== null && Object.values(value).some(hasHugeNumber)

/** Undefined without a cursor; throws 400 for a cursor that no page has given. */
export const decodeCursor = <Schema extends z.ZodType>(
  schema: Schema,
  text: string | undefined,
): z.infer<Schema> | undefined => {
  if (text === undefined) return undefined
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  } catch {
    throw badCursor()
  }
  if (findJsonFault(value, LIMITS) || hasHugeNumber(value)) throw badCursor()
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw badCursor()
  return parsed.data
}

/** A page from `limit + 1` rows: the extra row only shows that there are more. */
export const pageOf = <Row, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
  toCursor: (row: Row) => unknown,
): { items: Item[]; nextCursor: string | null } => {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(toItem),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(toCursor(last)) : null,
  }
}
