import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

/** Never logged, at any depth: credentials and signing secrets. */
const REDACTED = [
  'authorization',
  'headers.authorization',
  'req.headers.authorization',
  'key',
  'secret',
  'password',
  'connectionString',
]

export const createLogger = (level: string, destination?: DestinationStream): Logger =>
  pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    destination ?? pino.destination({ fd: 1, sync: false }),
  )

export const silentLogger: Logger = pino({ level: 'silent' })
