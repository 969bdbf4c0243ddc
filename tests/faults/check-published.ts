import type { Published } from './read-published.ts'

/**
 * A change may be published again, as it was. A number that names two changes would make readers
 * drop the second as a repetition.
 */
export const checkPublished = (published: readonly Published[]): string[] => {
  const known = new Map<string, string>()
  return published.flatMap(({ accountId, sequence, text }) => {
    const name = `${accountId} ${sequence}`
    const before = known.get(name) ?? text
    known.set(name, before)
    return before === text ? [] : [`change ${sequence} of ${accountId} was published with two contents`]
  })
}
