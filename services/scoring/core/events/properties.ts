import { MAX_NUMBER, SMALLEST_POSITIVE } from '#libs/contracts/event-limits.ts'

/** Null, empty or of the wrong type counts as absent: `"5"` is no number. */
type Properties = Readonly<Record<string, unknown>>

export const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)

/** A number beyond `MAX_NUMBER`, which older versions accepted, counts as absent. */
export const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Math.abs(value) <= MAX_NUMBER ? value : null

export const positiveOf = (value: unknown): number | null => {
  const number = numberOf(value)
  return number !== null && number >= SMALLEST_POSITIVE ? number : null
}

/** A count of 1 or more, fractions cut. */
export const countOf = (value: unknown): number | null => {
  const number = numberOf(value)
  return number !== null && number >= 1 ? Math.trunc(number) : null
}

export const flagOf = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null)

/** Distinct names in their order, without members of another type; null when no name is left. */
export const namesOf = (value: unknown): readonly string[] | null => {
  if (!Array.isArray(value)) return null
  const names = [...new Set(value.filter((member) => textOf(member) !== null))] as string[]
  return names.length > 0 ? names : null
}

export const textOr = (properties: Properties, name: string, fallback: string): string =>
  textOf(properties[name]) ?? fallback
