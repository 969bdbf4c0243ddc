export type Holding = {
  readonly partition: number
  /** What it holds in memory. */
  readonly bufferedBytes: number
  /** How near that is to its own bound: from 1 on it reads no further. */
  readonly fullness: number
  /** The log is known to hold more of it. */
  readonly behind: boolean
}

/**
 * Says which of the partitions read on: without a common bound, all that are not full. With one, of those that are behind it is one at
 * a time, in turn, until it is full: its reader can fill its batches and let go of them, while all at once would share the bound and each
 * get through in small pieces. With `maxBufferedBytes` taken by all together none of them reads. What comes new to the others is read as it comes.
 */
export const createReadingTurns = (
  maxBufferedBytes: number | undefined,
): ((holdings: readonly Holding[]) => ReadonlySet<number>) => {
  let turn = -1
  return (holdings) => {
    const open = holdings.filter(({ fullness }) => fullness < 1)
    const readsFreely = ({ behind }: Holding): boolean => maxBufferedBytes === undefined || !behind
    const reading = new Set(open.filter(readsFreely).map(({ partition }) => partition))
    if (maxBufferedBytes === undefined) return reading
    if (holdings.reduce((sum, { bufferedBytes }) => sum + bufferedBytes, 0) >= maxBufferedBytes) return reading
    const waiting = open.flatMap(({ partition, behind }) => (behind ? [partition] : [])).sort((a, b) => a - b)
    if (waiting.length === 0) return reading
    turn = waiting.find((partition) => partition >= turn) ?? waiting[0]!
    return reading.add(turn)
  }
}
