/** How far a database has come: the positions of its topics by partition, and its epoch. */
export type Marks = ReadonlyMap<string, number>

export const EPOCH = 'epoch'
export const positionMark = (topic: string, partition: number): string => `${topic} ${partition}`

/** A database loses no mark that it had, and none becomes lower, unless it has gone back. */
export const hasGoneBack = (known: Marks, now: Marks): boolean =>
  [...known].some(([what, mark]) => (now.get(what) ?? -1) < mark)

/** The broker learns of a position after the database. A mark that none keeps yet says nothing. */
export const isBehindBroker = (stored: Marks, committed: Marks): boolean =>
  hasGoneBack(new Map([...committed].filter(([what]) => stored.has(what))), stored)

export const furthest = (one: Marks, other: Marks): Marks => {
  const all = new Map(one)
  for (const [what, mark] of other) all.set(what, Math.max(mark, all.get(what) ?? mark))
  return all
}
