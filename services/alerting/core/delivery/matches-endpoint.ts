type Scalar = string | number | boolean

/** Every member must match; a list matches by any of its values. */
export type EndpointFilter = {
  /** Values of the account's traits, compared as text. */
  readonly traits?: Readonly<Record<string, Scalar | readonly Scalar[]>> | undefined
  readonly severity?: string | readonly string[] | undefined
  readonly ownerId?: string | readonly string[] | undefined
  readonly accountId?: string | readonly string[] | undefined
}

export type Subscription = {
  /** Empty: all. */
  readonly eventTypes: readonly string[]
  readonly filter: EndpointFilter
}

export type Subject = {
  readonly type: string
  readonly severity: string | null
  readonly ownerId: string | null
  readonly accountId: string | null
  readonly traits: Readonly<Record<string, unknown>>
}

/** Whether an endpoint gets a notification. A member that the notification lacks does not match. */
export const matchesEndpoint = ({ eventTypes, filter }: Subscription, subject: Subject): boolean =>
  (eventTypes.length === 0 || eventTypes.includes(subject.type)) &&
  isAmong(filter.severity, subject.severity) &&
  isAmong(filter.ownerId, subject.ownerId) &&
  isAmong(filter.accountId, subject.accountId) &&
  Object.entries(filter.traits ?? {}).every(([name, values]) => isAmong(values, traitOf(subject.traits, name)))

/** Endpoints that subscribe to groups, or to everything, get grouped alerts together. */
export const takesGroups = ({ eventTypes }: Subscription): boolean =>
  eventTypes.length === 0 || eventTypes.includes('alert.grouped')

const isAmong = (values: Scalar | readonly Scalar[] | undefined, value: string | null): boolean => {
  if (values === undefined) return true
  if (value === null) return false
  return typeof values === 'object' ? values.some((one) => String(one) === value) : String(values) === value
}

const traitOf = (traits: Readonly<Record<string, unknown>>, name: string): string | null => {
  const value = Object.hasOwn(traits, name) ? traits[name] : null
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}
