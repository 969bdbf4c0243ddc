/** An event as the core counts it: checked, instants in epoch milliseconds. */
export type CountedEvent = {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly userId: string | null
  readonly occurredAt: number
  readonly receivedAt: number
  readonly properties: Readonly<Record<string, unknown>>
}
