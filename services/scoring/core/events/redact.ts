import type { AccountHealth } from '#libs/contracts/account-health.ts'
import { withoutUser } from './erasure.ts'
import { type ReceivedEvent, rawText } from './parse-event.ts'

/** A kept event without a user. Null also where it would grow: its neighbours must not move. */
export const redactEvent = (event: ReceivedEvent, userId: string): ReceivedEvent | null => {
  const kept = withoutUser(event, (text) => text === userId)
  return kept !== null && Buffer.byteLength(rawText(kept.raw)) > Buffer.byteLength(rawText(event.raw)) ? null : kept
}

export type Redaction = {
  readonly userId: string
  /** Ids of the removed events. */
  readonly gone: ReadonlySet<string>
  /** Traits that the account still has. */
  readonly traits: Readonly<Record<string, unknown>>
}

/** False only where JSON text cannot name the user, however escaped: then it need not be parsed. */
export const mayName = (text: Buffer, userId: string): boolean => text.includes(userId) || text.includes('\\')

/** A value of a topic without a user; null: nothing of the value may stay. */
export const redactValue = (value: Buffer, redaction: Redaction): Buffer | null => {
  if (!mayName(value, redaction.userId) && !value.includes('"changeId"')) return value
  const text = value.toString()
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return value.includes(redaction.userId) ? null : value
  }
  if (typeof body !== 'object' || body === null) return value
  const after =
    'changeId' in body
      ? JSON.stringify(redactChange(body as AccountHealth, redaction))
      : 'properties' in body
        ? textWithout({ ...(body as ReceivedEvent), raw: text }, redaction.userId)
        : text
  return after === undefined ? null : after === text ? value : Buffer.from(after)
}

const textWithout = (event: ReceivedEvent, userId: string): string | undefined => {
  const kept = withoutUser(event, (name) => name === userId)
  return kept === null ? undefined : rawText(kept.raw)
}

/** A published change without a user, the ids of their events and their traits; never longer. */
export const redactChange = (change: AccountHealth, { userId, gone, traits }: Redaction): AccountHealth => ({
  ...change,
  evidence: Object.fromEntries(
    Object.entries(change.evidence).flatMap(([cause, ids]) => {
      const left = ids.filter((id) => !gone.has(id) && id !== userId)
      return left.length === 0 ? [] : [[cause, left]]
    }),
  ),
  facts: { ...change.facts, ownerId: change.facts.ownerId === userId ? null : change.facts.ownerId },
  traits: Object.fromEntries(
    Object.entries(change.traits).filter(([name, value]) => JSON.stringify(traits[name]) === JSON.stringify(value)),
  ),
  stepsCompleted: change.stepsCompleted.filter((step) => step.journeyId !== userId && step.stepId !== userId),
})
