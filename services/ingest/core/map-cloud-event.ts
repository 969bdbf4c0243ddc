import { type IncomingItem, isObject } from './incoming-item.ts'

const has = (value: unknown): boolean => value !== undefined && value !== null

/**
 * CloudEvents 1.0 (JSON format, or attributes and data of the binary mode put together): the account is the extension `accountid`,
 * else `subject`; the user is `userid`; `data` becomes the properties; the extension `mode` is ours.
 */
export const mapCloudEvent = (input: unknown, pointer: string): IncomingItem => {
  const fault = (field: string, code: string, detail: string): IncomingItem => ({
    event: input,
    pointer,
    fault: { pointer: `${pointer}${field}`, code, detail },
  })
  if (!isObject(input)) return fault('', 'invalid_type', 'A CloudEvent is an object')
  if (input.specversion !== '1.0') return fault('/specversion', 'invalid_value', 'Only CloudEvents 1.0 is taken')
  if (has(input.data_base64)) return fault('/data_base64', 'unsupported', 'Only JSON data is taken')
  const byExtension = has(input.accountid)
  return {
    pointer,
    timeOptional: true,
    names: {
      occurredAt: 'time',
      properties: 'data',
      userId: 'userid',
      accountId: byExtension ? 'accountid' : 'subject',
    },
    event: {
      id: input.id,
      source: input.source,
      type: input.type,
      accountId: byExtension ? input.accountid : input.subject,
      userId: input.userid,
      occurredAt: input.time ?? undefined,
      properties: input.data ?? undefined,
      mode: input.mode ?? undefined,
    },
  }
}
