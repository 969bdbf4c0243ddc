type Wanted = string | number | boolean

/** Narrows what an endpoint gets; every part that is given must hold, a list means any of them. */
export type EndpointFilter = {
  /** Values of the account's traits, compared as text. */
  readonly traits?: Readonly<Record<string, Wanted | readonly Wanted[]>> | undefined
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

/** Whether an endpoint gets a notice. A notice that lacks what the filter asks for does not match. */
export const matchesEndpoint = ({ eventTypes, filter }: Subscription, subject: Subject): boolean =>
  (eventTypes.length === 0 || eventTypes.includes(subject.type)) &&
  isAmong(filter.severity, subject.severity) &&
  isAmong(filter.ownerId, subject.ownerId) &&
  isAmong(filter.accountId, subject.accountId) &&
  Object.entries(filter.traits ?? {}).every(([name, wanted]) => isAmong(wanted, traitOf(subject.traits, name)))

/** Endpoints that ask for groups, or for everything, are told of grouped alerts together. */
export const takesGroups = ({ eventTypes }: Subscription): boolean =>
  eventTypes.length === 0 || eventTypes.includes('alert.grouped')

const isAmong = (wanted: Wanted | readonly Wanted[] | undefined, value: string | null): boolean => {
  if (wanted === undefined) return true
  if (value === null) return false
  return typeof wanted === 'object' ? wanted.some((one) => String(one) === value) : String(wanted) === value
}

const traitOf = (traits: Readonly<Record<string, unknown>>, name: string): string | null => {
  const value = Object.hasOwn(traits, name) ? traits[name] : null
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}
