/** A mistake in an item. `pointer` is RFC 6901 into the request body. */
export type ItemFault = { readonly pointer: string; readonly code: string; readonly detail: string }

/** One item of a request in the shape of `POST /v1/events`, not yet checked. */
export type IncomingItem = {
  readonly event: unknown
  /** Pointer of the item in the request body; empty for the body itself. */
  readonly pointer: string
  /** The client's name of a field, if it differs: `{ occurredAt: 'time' }`. */
  readonly names?: Readonly<Record<string, string>>
  /** Whether the time of receipt replaces a missing `occurredAt`. */
  readonly timeOptional?: boolean
  /** Set if the item could not be mapped. */
  readonly fault?: ItemFault
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
