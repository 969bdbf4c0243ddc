import { createHash } from 'node:crypto'

/** Id for an item without one. The same content has the same id, so a retry counts once. */
export const deriveId = (item: unknown): string | undefined => {
  try {
    return createHash('sha256').update(JSON.stringify(item)).digest('hex')
  } catch {
    // Nested too deep to serialize: the checks refuse the item.
    return undefined
  }
}

/** Turns a numeric id into text; the checks refuse anything else that is not text. */
export const asText = (value: unknown): unknown => (typeof value === 'number' ? String(value) : (value ?? undefined))
