import type { logCreator } from 'kafkajs'
import type { Logger } from '#libs/runtime/logger.ts'

const ERROR = 1
const WARN = 2
const OFFSET_OUT_OF_RANGE = 'Offset out of range, resetting'

/**
 * kafkajs logs errors that it then retries: warnings here. An offset outside the log stays an error
 * because records may be lost, and is passed on: kafkajs reports it nowhere else.
 */
export const kafkaLog =
  (logger: Logger, onOffsetOutOfRange: () => void): logCreator =>
  () =>
  ({ namespace, level, log }) => {
    const { message, timestamp: _, logger: __, stack: ___, ...fields } = log
    if (message.startsWith(OFFSET_OUT_OF_RANGE)) {
      onOffsetOutOfRange()
      logger.error({ ...fields, message: 'reading goes on from the earliest record' }, 'offset out of range')
    } else if (level === ERROR || level === WARN) logger.warn({ ...fields, namespace, message }, 'kafka client')
    else logger.debug({ ...fields, namespace, message }, 'kafka client')
  }
