import type { z } from 'zod'

/** The message in a record of a topic, or why it cannot be one: `what` names it. */
export const readRecord = <Message>(value: Buffer, schema: z.ZodType<Message>, what: string): Message | string => {
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
