import { createHash } from 'node:crypto'

/** An id for an item that came without one: the same content gets the same id, so sending it again counts once. */
export const deriveId = (item: unknown): string | undefined => {
  try {
    return createHash('sha256').update(JSON.stringify(item)).digest('hex')
  } catch {
    // Nested too deep to be written: it is refused for that by the checks.
    return undefined
  }
}

/** Ids arrive as text or as numbers; anything else stays what it is and is refused by the checks. */
export const asText = (value: unknown): unknown => (typeof value === 'number' ? String(value) : (value ?? undefined))
