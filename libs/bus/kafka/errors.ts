import { UnavailableError } from '#libs/runtime/errors.ts'

/** Refusals that do not pass with time. */
const FINAL_TYPES: readonly string[] = [
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'POLICY_VIOLATION',
  'INVALID_REPLICATION_FACTOR',
  'INVALID_CONFIG',
]

/** The broker's name for the failure, from the chain of causes. */
export const kafkaErrorType = (error: unknown): string | undefined => {
  for (let at = error; at instanceof Error; at = at.cause)
    if ('type' in at && typeof at.type === 'string') return at.type
  return undefined
}

/** Worth a retry. kafkajs throws TypeErrors too while a broker stops: classes say little. */
export const isPassing = (error: unknown): boolean => !FINAL_TYPES.includes(kafkaErrorType(error) ?? '')

export const toBusError = (error: unknown, doing: string): Error => {
  const cause = error instanceof Error ? error : new Error(String(error))
  if (isPassing(error)) return new UnavailableError(`Kafka is unavailable: ${doing}: ${cause.message}`, { cause })
  return new Error(`Kafka refused: ${doing}: ${cause.message}`, { cause })
}
