/** Numbers of one epoch, more than an account has changes. Leaves 131,071 epochs below 2^53. */
const NUMBERS_OF_EPOCH = 2 ** 36
/** A rule has fewer episodes of one subject in one epoch. All episodes fit into an `integer`. */
const EPISODES_OF_EPOCH = 10_000

/** Every number that was given in an earlier epoch is below or at it. */
export const sequenceFloor = (epoch: number): number => epoch * NUMBERS_OF_EPOCH

/**
 * The number of an account's next change. Numbers grow, with a gap where a new epoch began: what
 * was published before a database went back never names another change.
 */
export const nextSequence = (sequence: number, floor: number): number => Math.max(sequence, floor) + 1

/** The epoch that gave this number. */
export const epochOf = (sequence: number): number => Math.floor(sequence / NUMBERS_OF_EPOCH)

/** The same for the episodes of a rule: of an account, in the epoch of the change. */
export const nextEpisode = (episode: number, epoch: number): number => Math.max(episode, epoch * EPISODES_OF_EPOCH) + 1
