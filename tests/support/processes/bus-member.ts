import { openTestBus } from '../bus/test-bus.ts'

// A member of a group in a process of its own, so that a test can kill it. Its one argument is a
// MemberOrder; it prints a line of JSON per record it is handed, and what its memory takes.
export type MemberOrder = {
  readonly address: Parameters<typeof openTestBus>[0]
  readonly group: string
  readonly maxBatchBytes?: number
  /** `hang`: what it is handed is never done. */
  readonly mode: 'handle' | 'hang'
}

export type MemberLine =
  | { readonly partition: number; readonly offset: number; readonly value: string }
  | { readonly memoryBytes: number }

const order = JSON.parse(process.argv[2]!) as MemberOrder
const say = (line: MemberLine): boolean => process.stdout.write(`${JSON.stringify(line)}\n`)

const { bus } = await openTestBus(order.address)
await bus.consume({
  group: order.group,
  topic: 'usage.events',
  ...(order.maxBatchBytes ? { maxBatchBytes: order.maxBatchBytes } : {}),
  handle: async ({ partition, records }) => {
    for (const { offset, value } of records) say({ partition, offset, value: value.toString('utf8', 0, 40) })
    if (order.mode === 'hang') await new Promise(() => undefined)
  },
})
setInterval(() => {
  const { heapUsed, external } = process.memoryUsage()
  say({ memoryBytes: heapUsed + external })
}, 200)
