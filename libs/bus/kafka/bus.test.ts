import { expect, test } from 'vitest'
import { systemClock } from '#libs/runtime/clock.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createMetrics } from '#libs/runtime/metrics.ts'
import { createKafkaBus } from './bus.ts'

test('a group that would read a second topic is refused: its members would be given partitions they do not read', async () => {
  const bus = createKafkaBus({
    brokers: ['127.0.0.1:1'],
    clientId: 'test',
    logger: silentLogger,
    clock: systemClock,
    metrics: createMetrics(),
  })
  const handle = async (): Promise<void> => {}
  await bus.consume({ group: 'readers', topic: 'account.health', handle })
  await expect(bus.consume({ group: 'readers', topic: 'source.activity', handle })).rejects.toThrow('already')
  await bus.consume({ group: 'others', topic: 'source.activity', handle })
  await bus.stop()
})
