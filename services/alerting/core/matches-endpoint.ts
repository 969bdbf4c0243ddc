/** Narrows what an endpoint gets; every part that is given must hold. */
export type EndpointFilter = {
  /** Values of the account's traits, compared as text; a list means any of them. */
  readonly traits?: Readonly<Record<string, string | readonly string[]>> | undefined
  readonly severities?: readonly string[] | undefined
  readonly owners?: readonly string[] | undefined
  readonly accountIds?: readonly string[] | undefined
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
  isAmong(filter.severities, subject.severity) &&
  isAmong(filter.owners, subject.ownerId) &&
  isAmong(filter.accountIds, subject.accountId) &&
  Object.entries(filter.traits ?? {}).every(([name, wanted]) =>
    isAmong(typeof wanted === 'string' ? [wanted] : wanted, textOf(subject.traits, name)),
  )

const isAmong = (wanted: readonly string[] | undefined, value: string | null): boolean =>
  wanted === undefined || (value !== null && wanted.includes(value))

const textOf = (traits: Readonly<Record<string, unknown>>, name: string): string | null => {
  const value = Object.hasOwn(traits, name) ? traits[name] : null
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}
