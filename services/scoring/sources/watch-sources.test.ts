import { expect, onTestFinished, test } from 'vitest'
import { createZone } from '#libs/time/time-zone.ts'
import { createRecordingBus } from '../../../tests/support/bus/recording-bus.ts'
import { eventually } from '../../../tests/support/eventually.ts'
import { createTestPlatform } from '../../../tests/support/processes/platform.ts'
import { scoringConfigSchema } from '../config.ts'
import { createLiveModels } from '../models/live-models.ts'
import { createScoring } from '../service.ts'
import { createSourceActivity } from './source-activity.ts'
import { writeActivity } from './source-store.ts'
import { createSourceWatch } from './watch-sources.ts'

const createFixture = async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  await prepare(createScoring(platform, scoringConfigSchema.parse({})))
  const liveModels = createLiveModels({ ...platform, zone: createZone('UTC') })
  const startWatch = () => {
    const bus = createRecordingBus()
    const watch = createSourceWatch({ ...platform, bus, liveModels, sourceActivity: createSourceActivity() })
    onTestFinished(watch.stop)
    return { bus, start: watch.start }
  }
  const { database } = platform
  const addActivity = (source: string) => writeActivity(database, [{ tenantId: 'default', source, heardAt: 1_000 }])
  return { database, startWatch, addActivity }
}

test('a watch that stops in a publish holds no transaction, and others publish what it did not claim', async () => {
  const { database, startWatch, addActivity } = await createFixture()
  const stopped = startWatch()
  const opened = Promise.withResolvers<void>()
  stopped.bus.gate = opened.promise
  onTestFinished(() => opened.resolve())
  await addActivity('crm')
  stopped.start()
  await eventually('it is publishing', () => stopped.bus.attempts === 1)
  const open = await database.query(
    `select 1 from pg_stat_activity
     where datname = current_database() and state like 'idle in transaction%'`,
  )
  expect(open).toEqual([])
  await addActivity('web')
  const other = startWatch()
  other.start()
  await eventually('the other has published', () => other.bus.published.length === 1)
  expect(other.bus.values()).toMatchObject([{ source: 'web' }])
})

test('activity that could not be published is published as soon as the log is back', async () => {
  const { startWatch, addActivity } = await createFixture()
  const watch = startWatch()
  watch.bus.away = true
  await addActivity('crm')
  watch.start()
  await eventually('it was tried', () => watch.bus.attempts > 0)
  watch.bus.away = false
  await eventually('it is published', () => watch.bus.published.length === 1)
  expect(watch.bus.values()).toMatchObject([{ source: 'crm', heardAt: '1970-01-01T00:00:01.000Z' }])
})
