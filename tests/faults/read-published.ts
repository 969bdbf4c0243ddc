import { randomBytes } from 'node:crypto'
import { createKafkaBus } from '#libs/bus/kafka/bus.ts'
import { systemClock } from '#libs/runtime/clock.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { eventually } from '../support/eventually.ts'

export type Published = { readonly accountId: string; readonly sequence: number; readonly text: string }

/** A batch may be zstd, which kafkajs alone does not read. */
export const readPublished = async (brokers: string, topicPrefix: string): Promise<readonly Published[]> => {
  const bus = createKafkaBus({
    brokers: brokers.split(','),
    clientId: 'checker',
    topicPrefix,
    logger: silentLogger,
    clock: systemClock,
    metrics: createMetrics(),
  })
  await bus.start()
  const published: Published[] = []
  try {
    const { check, lag } = await bus.consume({
      group: `checker-${randomBytes(4).toString('hex')}`,
      topic: 'account.health',
      handle: async ({ records }) => {
        for (const { value } of records) {
          const text = value.toString('utf8')
          const { tenantId, accountId, sequence } = JSON.parse(text) as Published & { readonly tenantId: string }
          published.push({ accountId: `${tenantId}/${accountId}`, sequence, text })
        }
      },
    })
    let before = -1
    const isRead = async (): Promise<boolean> => {
      const [left, count] = [await lag(), published.length]
      const isQuiet = left === 0 && count > 0 && count === before
      before = count
      return isQuiet
    }
    await eventually('all that was published is read', isRead, 60_000)
    await check()
  } finally {
    await bus.stop()
  }
  return published
}
