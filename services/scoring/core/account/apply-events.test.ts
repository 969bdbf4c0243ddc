import { expect, test } from 'vitest'
import { createZone } from '#libs/time/time-zone.ts'
import { event, NOW, testModel } from '../../../../tests/support/scoring/account-history.ts'
import { ALL_ACTIVE } from '../evaluation/source-log.ts'
import type { ReceivedEvent } from '../events/parse-event.ts'
import { createAccount } from './account.ts'
import { applyCause, applyEvents } from './apply-events.ts'
import type { ScoringContext } from './evaluate-account.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const model = testModel()
const contextAt = (now: number): ScoringContext => ({ model, zone: createZone('UTC'), now, sources: ALL_ACTIVE })
const newAccount = () => createAccount({ tenantId: 'default', accountId: 'acme' }, model)
const received = (...given: Parameters<typeof event>): ReceivedEvent => ({
  ...event(...given),
  backfill: false,
  raw: '{}',
})
const minutesAhead = (minutes: number): number => -minutes / 1_440
const stepAhead = () => received('Onboarding Step Completed', minutesAhead(3), { journeyId: 'main', stepId: 'import' })
const started = () => received('Onboarding Started', 2, { journeyId: 'main', steps: ['import', 'invite'] })
const IMPORT = [{ journeyId: 'main', stepId: 'import' }]

test('a step that a clock running ahead reports is told once, when its instant has come', () => {
  const account = newAccount()
  const step = stepAhead()
  const [first] = applyEvents(account, [started(), step], false, contextAt(NOW)).entries
  expect(first?.change?.stepsCompleted).toEqual([])
  expect(applyEvents(account, [step], true, contextAt(NOW + 2 * MINUTE_MS)).entries).toEqual([])
  const [due] = applyEvents(account, [step], true, contextAt(NOW + 3 * MINUTE_MS)).entries
  expect(due?.change?.stepsCompleted).toEqual(IMPORT)
  expect(applyEvents(account, [step], true, contextAt(NOW + 4 * MINUTE_MS)).entries).toEqual([])
  const [later] = applyEvents(account, [received('Signed In', 0, {}, 'ana')], true, contextAt(NOW + DAY_MS)).entries
  expect(later?.change?.stepsCompleted).toEqual([])
})

test.each([
  [
    'another event',
    (at: number, account: ReturnType<typeof newAccount>) =>
      applyEvents(account, [received('Signed In', 0, {}, 'ana')], false, contextAt(at)).entries,
  ],
  [
    'the same step once more',
    (at: number, account: ReturnType<typeof newAccount>) =>
      applyEvents(account, [stepAhead()], false, contextAt(at)).entries,
  ],
  [
    'an override',
    (at: number, account: ReturnType<typeof newAccount>) => [applyCause(account, 'override', contextAt(at))],
  ],
])('a step that waited is told with %s that comes before the timer', (_, comes) => {
  const account = newAccount()
  applyEvents(account, [started(), stepAhead()], false, contextAt(NOW))
  const entries = comes(NOW + 4 * MINUTE_MS, account)
  expect(entries.flatMap(({ change }) => change?.stepsCompleted ?? [])).toEqual(IMPORT)
})

test('what time has moved is told even when the past is filled in at that moment', () => {
  const account = newAccount()
  applyEvents(account, [started(), stepAhead()], false, contextAt(NOW))
  const past = { ...received('Signed In', 40, {}, 'ana'), backfill: true }
  const { entries } = applyEvents(account, [past], false, contextAt(NOW + 4 * MINUTE_MS))
  expect(entries.map(({ change }) => [change?.backfill, change?.stepsCompleted])).toEqual([
    [false, IMPORT],
    [true, []],
  ])
})
