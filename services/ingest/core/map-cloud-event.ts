import { type IncomingItem, isObject } from './incoming-item.ts'

const has = (value: unknown): boolean => value !== undefined && value !== null

/**
 * CloudEvents 1.0, in JSON format or assembled from the binary mode. The account is the extension
 * `accountid`, else `subject`. The user is `userid`; `data` becomes the properties; `mode` is ours.
 */
export const mapCloudEvent = (input: unknown, pointer: string): IncomingItem => {
  const fault = (field: string, code: string, detail: string): IncomingItem => ({
    event: input,
    pointer,
    fault: { pointer: `${pointer}${field}`, code, detail },
  })
  if (!isObject(input)) return fault('', 'invalid_type', 'A CloudEvent must be an object')
  if (input.specversion !== '1.0') return fault('/specversion', 'invalid_value', 'Only CloudEvents 1.0 is supported')
  if (has(input.data_base64)) return fault('/data_base64', 'unsupported', 'Only JSON data is supported')
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
