/**
 * What a database must have reached, as far as this process knows. It is lower only where reading
 * begins anew: any other partition would pass over what the database has lost.
 */
export const createExpectedPositions = (load: () => Promise<ReadonlyMap<number, number>>) => {
  const expected = new Map<number, number>()
  return {
    /** Offset that was written or read last; null: none. */
    of: (partition: number): number | null => expected.get(partition) ?? null,
    reached: (partition: number, nextOffset: number): void => void expected.set(partition, nextOffset),
    read: async (partitions: readonly number[]): Promise<ReadonlyMap<number, number>> => {
      const stored = await load()
      for (const partition of partitions) {
        const next = stored.get(partition)
        if (next === undefined) expected.delete(partition)
        else expected.set(partition, next)
      }
      return stored
    },
    isBehind: async (partitions: readonly number[]): Promise<boolean> => {
      // Before the database is asked: it may only have reached more since.
      const known = new Map(expected)
      const stored = await load()
      return partitions.some((partition) => (stored.get(partition) ?? -1) < (known.get(partition) ?? -1))
    },
  }
}
