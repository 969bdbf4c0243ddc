import { readFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { nextSequence } from '#libs/contracts/sequence.ts'
import { createTestPlatform } from '../../../tests/support/processes/platform.ts'
import { scoringConfigSchema } from '../config.ts'
import { createScoring } from '../service.ts'
import { createEpoch } from './event-positions.ts'

const PAGE = new URL('../../../docs/backup-and-restore.md', import.meta.url)

test('the statement of the page on restores begins numbers above all that were given', async () => {
  const { platform, prepare, stop } = await createTestPlatform()
  onTestFinished(stop)
  await prepare(createScoring(platform, scoringConfigSchema.parse({})))
  const floorAtStart = async (): Promise<number> => {
    const epoch = createEpoch(platform)
    await epoch.start()
    await epoch.stop()
    return epoch.floor()
  }
  const given = nextSequence(1_000_000, await floorAtStart())
  const [, statement] = /`(update scoring\.epoch [^`]+)`/.exec(await readFile(PAGE, 'utf8'))!
  await platform.database.query(statement!)
  const restored = 7
  expect(nextSequence(restored, await floorAtStart())).toBeGreaterThan(given)
})
