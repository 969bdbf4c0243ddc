import type { z } from 'zod'
import type { Batch } from '#libs/bus/bus.ts'

type Kind<Message> = {
  readonly schema: z.ZodType<Message>
  /** Names the message in the reason of a dead letter. */
  readonly what: string
}

/** The messages of a batch; a record that holds none is dead-lettered with the reason. */
export const parseMessages = async <Message>(batch: Batch, kind: Kind<Message>): Promise<readonly Message[]> => {
  const messages: Message[] = []
  for (const record of batch.records) {
    const parsed = parse(record.value, kind)
    if (typeof parsed === 'string') await batch.deadLetter(record, parsed)
    else messages.push(parsed)
  }
  return messages
}

const parse = <Message>(value: Buffer, { schema, what }: Kind<Message>): Message | string => {
  let json: unknown
  try {
    json = JSON.parse(value.toString('utf8'))
  } catch {
    return 'not JSON'
  }
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  return `not ${what}: ${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? ''}`
}
