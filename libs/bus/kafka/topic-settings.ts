import { DAY_MS } from '#libs/runtime/durations.ts'

/** How the topics keep their records. */
export type TopicDurability = {
  /** Copies of each record; absent: the brokers there, up to 3. */
  readonly replicationFactor?: number | undefined
  /** Copies that must have a record before it is acknowledged; one where there is one copy. */
  readonly minInsyncReplicas: number
  readonly retentionDays: number
  readonly deadRetentionDays: number
  /** Whether a weaker topic keeps the process from starting. */
  readonly strict: boolean
}

export const DEFAULT_DURABILITY: TopicDurability = {
  minInsyncReplicas: 2,
  retentionDays: 14,
  deadRetentionDays: 30,
  strict: false,
}

const MOST_COPIES = 3

/** Throws when there are fewer brokers than copies are asked for. */
export const copiesOf = ({ replicationFactor }: TopicDurability, brokers: number): number => {
  if (replicationFactor !== undefined && brokers < replicationFactor)
    throw new Error(`KAFKA_REPLICATION_FACTOR is ${replicationFactor}, and Kafka has ${brokers} brokers`)
  return replicationFactor ?? Math.min(MOST_COPIES, brokers)
}

export type TopicSettings = Readonly<Record<string, string>>

/** `LogAppendTime`: the broker stamps the records, whatever their producer says. */
export const settingsOf = (durability: TopicDurability, copies: number, isDead: boolean): TopicSettings => ({
  'message.timestamp.type': 'LogAppendTime',
  'min.insync.replicas': String(Math.min(durability.minInsyncReplicas, copies)),
  'retention.ms': String((isDead ? durability.deadRetentionDays : durability.retentionDays) * DAY_MS),
})

export type Weakness = { readonly setting: string; readonly is: string; readonly wanted: string }

/** Settings of a topic that keep less than is wanted. A retention of -1 keeps records for ever. */
export const weaknessesOf = (is: TopicSettings, wanted: TopicSettings): readonly Weakness[] =>
  Object.entries(wanted).flatMap(([setting, value]) => {
    const found = is[setting]
    if (found === undefined || found === value) return []
    const isWeaker =
      setting === 'message.timestamp.type' ||
      (setting === 'retention.ms' && found === '-1' ? false : Number(found) < Number(value))
    return isWeaker ? [{ setting, is: found, wanted: value }] : []
  })
