/** A mistake in an item. `pointer` is RFC 6901 into the request body. */
export type ItemFault = { readonly pointer: string; readonly code: string; readonly detail: string }

/** One item of a request, brought into the shape of `POST /v1/events` but not checked yet. */
export type IncomingItem = {
  readonly event: unknown
  /** Pointer of the item in the request body; empty for the body itself. */
  readonly pointer: string
  /** Where a field stands in the client's own shape, `{ occurredAt: 'time' }`; a field that is not listed has its own name. */
  readonly names?: Readonly<Record<string, string>>
  /** The moment of receipt stands in for a missing `occurredAt`. */
  readonly timeOptional?: boolean
  /** The item could not be brought into shape at all. */
  readonly fault?: ItemFault
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
