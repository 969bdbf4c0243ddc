import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { MINUTE_MS } from '#libs/runtime/durations.ts'
import { failureOf, PermanentError, RewoundError, UnavailableError } from '#libs/runtime/errors.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Batch, ConsumeOptions, DeliveredRecord } from './bus.ts'
import { safeReason } from './dead-letter.ts'
import type { WaitingPartitions } from './waiting-partitions.ts'

export type Delivery = {
  readonly group: string
  readonly handle: ConsumeOptions['handle']
  readonly probe?: ConsumeOptions['probe'] | undefined
  readonly positions?: ConsumeOptions['positions'] | undefined
  readonly waiting: WaitingPartitions
  readonly clock: Clock
  readonly logger: Logger
}

/** Pauses between tries of a whole batch: well under the 5 s for which a record may hold it up. */
const RETRY_PAUSES_MS = [50, 150, 400, 1_000]
/** Pauses between tries of a single record, until isolation has taken `ISOLATION_LIMIT_MS`. */
const SINGLE_PAUSES_MS = [20, 100]
const ISOLATION_LIMIT_MS = 3_000
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 5_000

const STOPPED = Symbol('the partition was taken away or the consumer stops')

/** Sleeps. Gives up if the partition is lost: its next reader gets the unfinished records. */
const pause = async (delivery: Delivery, batch: Batch, delayMs: number): Promise<void> => {
  await sleep(delivery.clock, delayMs, batch.signal)
  if (batch.signal.aborted) throw STOPPED
}

/** Repeats `work` while it answers a failure. The partition waits; a line a minute says why. */
const waitOut = async (
  delivery: Delivery,
  batch: Batch,
  first: unknown,
  work: () => Promise<unknown>,
): Promise<void> => {
  const { topic, partition } = batch
  const { group, clock, logger, waiting } = delivery
  const end = waiting.begin({ topic, partition, group })
  let loggedAt = Number.NEGATIVE_INFINITY
  let failure = first
  try {
    for (let waitMs = FIRST_WAIT_MS; failure !== undefined; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      if (clock.now() - loggedAt >= MINUTE_MS) {
        logger.warn({ topic, partition, group, reason: safeReason(failure) }, 'partition waits, nothing is lost')
        loggedAt = clock.now()
      }
      await pause(delivery, batch, waitMs)
      failure = await work()
      if (batch.signal.aborted) throw STOPPED
    }
  } finally {
    end()
  }
}

/** Handles the batch once. Answers the failure. */
const tryOnce = async (delivery: Delivery, batch: Batch): Promise<unknown> => {
  const failure = await failureOf(() => delivery.handle(batch))
  if (batch.signal.aborted && failure !== undefined) throw STOPPED
  return failure
}

/** Handles the batch, waiting out `UnavailableError`. Answers any other failure. */
const attempt = async (delivery: Delivery, batch: Batch, earlier?: unknown): Promise<unknown> => {
  let failure = earlier ?? (await tryOnce(delivery, batch))
  if (failure instanceof RewoundError) throw failure
  if (batch.signal.aborted && failure !== undefined) throw STOPPED
  if (failure instanceof UnavailableError)
    await waitOut(delivery, batch, failure, async () => {
      failure = await tryOnce(delivery, batch)
      if (failure instanceof RewoundError) throw failure
      return failure instanceof UnavailableError ? failure : undefined
    })
  return failure
}

/** Whether work of the same kind succeeds now, so that the failure is the record's own. */
const probeFailure = ({ probe }: Delivery): Promise<unknown> => failureOf(async () => probe?.())

const attemptSingle = async (delivery: Delivery, batch: Batch, first: unknown, untilMs: number): Promise<unknown> => {
  let error = first
  for (const pauseMs of SINGLE_PAUSES_MS) {
    if (error === undefined || error instanceof PermanentError || delivery.clock.now() > untilMs) break
    await pause(delivery, batch, pauseMs)
    error = await attempt(delivery, batch)
  }
  return error
}

/** Waits for the dead-letter topic: the record would be lost if its partition moved on. */
const deadLetter = async (delivery: Delivery, batch: Batch, record: DeliveredRecord, error: unknown): Promise<void> => {
  let stored = false
  const put = (): Promise<unknown> =>
    failureOf(async () => {
      if (!stored) await batch.deadLetter(record, safeReason(error))
      stored = true
      await delivery.positions?.write(batch.partition, record.offset + 1)
    })
  const failure = await put()
  if (failure !== undefined) await waitOut(delivery, batch, failure, put)
}

/** Handles one record until it is durable, or dead-letters it for a failure of its own. */
const settleSingle = async (delivery: Delivery, batch: Batch, first: unknown, untilMs: number): Promise<void> => {
  let failure = await attemptSingle(delivery, batch, first, untilMs)
  while (failure !== undefined) {
    const struck = failure instanceof PermanentError ? undefined : await probeFailure(delivery)
    if (struck === undefined) return deadLetter(delivery, batch, batch.records[0]!, failure)
    await waitOut(delivery, batch, struck, () => probeFailure(delivery))
    failure = await attempt(delivery, batch)
  }
}

/** Halves the batch down to the records that fail alone: one bad record costs a few tries. */
const isolate = async (delivery: Delivery, batch: Batch, error: unknown, untilMs: number): Promise<void> => {
  const { records } = batch
  if (records.length === 1) return settleSingle(delivery, batch, error, untilMs)
  const middle = Math.ceil(records.length / 2)
  for (const half of [records.slice(0, middle), records.slice(middle)]) {
    const part = { ...batch, records: half }
    const failure = await attempt(delivery, part)
    if (failure !== undefined) await isolate(delivery, part, failure, untilMs)
  }
}

/**
 * Resolves true when every record is durable or dead-lettered, false if aborted. Rejects with
 * `RewoundError` only. A record is dead-lettered for its own fault only: it fails alone while the
 * probe succeeds.
 */
export const deliverBatch = async (delivery: Delivery, batch: Batch, failure?: unknown): Promise<boolean> => {
  try {
    let error = await attempt(delivery, batch, failure)
    for (const pauseMs of RETRY_PAUSES_MS) {
      if (error === undefined || error instanceof PermanentError) break
      const { topic, partition } = batch
      delivery.logger.warn({ topic, partition, reason: safeReason(error) }, 'batch failed, it comes again')
      await pause(delivery, batch, pauseMs)
      error = await attempt(delivery, batch)
    }
    if (error !== undefined) await isolate(delivery, batch, error, delivery.clock.now() + ISOLATION_LIMIT_MS)
    return true
  } catch (stopped) {
    if (stopped === STOPPED) return false
    throw stopped
  }
}
