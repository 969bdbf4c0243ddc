import { type Clock, sleep } from '#libs/runtime/clock.ts'
import { PermanentError, UnavailableError } from '#libs/runtime/errors.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { Batch, ConsumeOptions, DeliveredRecord } from './bus.ts'
import { safeReason } from './dead-letter.ts'

export type Delivery = {
  readonly handle: ConsumeOptions['handle']
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

/** Handles the batch, waiting out `UnavailableError`. Answers the error of any other failure. */
const attempt = async (delivery: Delivery, batch: Batch, earlier?: unknown): Promise<unknown> => {
  let error = earlier
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      if (error === undefined) return await delivery.handle(batch)
    } catch (failure) {
      error = failure ?? new Error('rejected without a reason')
    }
    if (batch.signal.aborted) throw STOPPED
    if (!(error instanceof UnavailableError)) return error
    const { topic, partition } = batch
    delivery.logger.warn({ topic, partition, waitMs, reason: safeReason(error) }, 'batch waits: dependency unavailable')
    await pause(delivery, batch, waitMs)
    error = undefined
  }
}

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
  const { topic, partition } = batch
  const fields = { topic, partition, offset: record.offset, reason: safeReason(error) }
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
    try {
      await batch.deadLetter(record, fields.reason)
      return delivery.logger.error(fields, 'record dead-lettered')
    } catch (failure) {
      delivery.logger.warn({ ...fields, failure: safeReason(failure), waitMs }, 'record could not be dead-lettered yet')
      await pause(delivery, batch, waitMs)
    }
  }
}

/** Halves the batch down to the records that fail alone: one bad record costs a few tries. */
const isolate = async (delivery: Delivery, batch: Batch, error: unknown, untilMs: number): Promise<void> => {
  const { records } = batch
  if (records.length === 1) {
    const last = await attemptSingle(delivery, batch, error, untilMs)
    return last === undefined ? undefined : deadLetter(delivery, batch, records[0]!, last)
  }
  const middle = Math.ceil(records.length / 2)
  for (const half of [records.slice(0, middle), records.slice(middle)]) {
    const part = { ...batch, records: half }
    const failure = await attempt(delivery, part)
    if (failure !== undefined) await isolate(delivery, part, failure, untilMs)
  }
}

/** Resolves true when every record is durable or dead-lettered, false if aborted. Never rejects. */
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
