import fc from 'fast-check'
import { expect, test } from 'vitest'
import { facts, rule } from '../../../../tests/support/alerting/alert-script.ts'
import type { Rule } from '../alert/rule.ts'
import type { RuleStates } from '../alert/rule-states.ts'
import type { Silence } from '../alert/silence.ts'
import { decideOnFacts, decideOnTime } from './decide-account.ts'

/** Everything happens on whole hours, so that the naive model can look at every hour there is. */
const HOUR = 3_600_000
const START = 1_000_000 * HOUR

type Sighting = {
  readonly gap: number
  readonly score: number | null
  readonly backfill: boolean
  readonly alone: boolean
}
type World = {
  readonly tried: Rule
  readonly sightings: readonly Sighting[]
  readonly silences: readonly Silence[]
  readonly tail: number
}
type Line = string

const hours = (max: number) => fc.integer({ min: 0, max })
const world: fc.Arbitrary<World> = fc.record({
  tried: fc
    .record({
      dwell: fc.oneof(fc.constant(0), hours(20)),
      recoverDwell: fc.oneof(fc.constant(0), hours(20)),
      cooldown: hours(60),
      reminder: fc.option(fc.integer({ min: 1, max: 60 })),
      kind: fc.constantFrom('threshold' as const, 'hard_signal' as const),
      recovers: fc.constantFrom(50, 58),
      heldFor: fc.option(fc.integer({ min: 1, max: 12 })),
    })
    .map(({ dwell, recoverDwell, cooldown, reminder, kind, recovers, heldFor }) => {
      const below = { fact: 'score', op: '<', value: 50 } as const
      return rule({
        when: heldFor === null ? below : { that: below, forMs: heldFor * HOUR },
        recovers: { fact: 'score', op: '>=', value: recovers },
        dwellMs: dwell * HOUR,
        recoverDwellMs: recoverDwell * HOUR,
        cooldownMs: cooldown * HOUR,
        reminderMs: reminder === null ? null : reminder * HOUR,
        kind,
      })
    }),
  sightings: fc.array(
    fc.record({
      gap: fc.integer({ min: 1, max: 30 }),
      score: fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(30, 49, 50, 55, 57, 58, 70) },
        { weight: 1, arbitrary: fc.constant(null) },
      ),
      backfill: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      alone: fc.boolean(),
    }),
    { minLength: 1, maxLength: 40, size: 'max' },
  ),
  silences: fc.array(
    fc.record({ from: hours(300), length: fc.integer({ min: 1, max: 100 }) }).map(
      ({ from, length }): Silence => ({
        startsAt: START + from * HOUR,
        endsAt: START + (from + length) * HOUR,
        matcher: {},
      }),
    ),
    { maxLength: 3 },
  ),
  tail: hours(100),
})

const factsOf = ({ score }: Sighting) =>
  facts({ score, band: score === null ? 'insufficient_data' : score < 50 ? 'at_risk' : 'watch' })

/** The product as the service drives it: timers run now and then, or only when facts come. */
const produce = ({ tried, sightings, silences, tail }: World): Line[] => {
  const around = { accountId: 'a', rules: [{ rule: tried, version: '1' }], silences }
  const lines: Line[] = []
  let states: RuleStates = {}
  let seen = null as null | { facts: ReturnType<typeof facts>; traits: object; backfill: boolean } as never
  let at = START
  const keep = (decision: ReturnType<typeof decideOnTime>) => {
    states = decision.states
    for (const one of decision.transitions)
      lines.push(
        `${(one.at - START) / HOUR} ${one.episode} ${one.kind} ${one.reason} ${one.notifying.told || one.notifying.why}`,
      )
  }
  for (const sighting of sightings) {
    at += sighting.gap * HOUR
    if (!sighting.alone) keep(decideOnTime({ seen, states }, at - HOUR / 2, around))
    const next = { facts: factsOf(sighting), traits: {}, backfill: sighting.backfill }
    keep(decideOnFacts({ seen, states }, next, at, around))
    seen = next as never
  }
  keep(decideOnTime({ seen, states }, at + tail * HOUR, around))
  return lines
}

/** The naive model looks at every hour and back over all hours; it knows no due instants. */
const imagine = ({ tried, sightings, silences, tail }: World): Line[] => {
  const timeline: Sighting[] = []
  for (const sighting of sightings) {
    const before = timeline.at(-1)
    for (let i = 1; i < sighting.gap; i++) timeline.push(before ?? { ...sighting, score: Number.NaN })
    timeline.push(sighting)
  }
  for (let i = 0; i < tail; i++) timeline.push(timeline.at(-1)!)
  const first = sightings[0]!.gap
  const lines: Line[] = []
  const inHours = (ms: number) => ms / HOUR
  const heldFor = 'that' in tried.when ? inHours(tried.when.forMs) : 0
  const line = 'value' in tried.recovers ? (tried.recovers.value as number) : 0
  const muted = (hour: number) => {
    const sighting = timeline[hour - 1]!
    return tried.kind === 'threshold' && sighting.score === null
  }
  const low = (hour: number) => {
    const { score } = timeline[hour - 1]!
    return score === null ? null : score < 50
  }
  /** How long it has been low: unknown hours neither count against it nor begin it. */
  const isTrue = (hour: number): boolean | null => {
    if (muted(hour) || low(hour) === null) return null
    if (low(hour) === false) return false
    let since = hour
    for (let back = hour; back >= first && low(back) !== false; back--) if (low(back) === true) since = back
    return hour - since >= heldFor
  }
  const isOver = (hour: number): boolean | null => {
    const { score } = timeline[hour - 1]!
    return score === null ? null : score >= line
  }
  let open: null | { phase: string; since: number; told: boolean; why: string; last: number } = null
  let episode = 0
  let toldAt = Number.NEGATIVE_INFINITY
  let known = false
  const whyNot = (hour: number, told: boolean): string => {
    if (timeline[hour - 1]!.backfill) return 'backfill'
    if (!told && hour < toldAt + inHours(tried.cooldownMs)) return 'cooldown'
    const at = START + hour * HOUR
    return silences.some((silence) => silence.startsAt <= at && at < silence.endsAt) ? 'silenced' : 'true'
  }
  const say = (hour: number, kind: string, reason: string, told: string) => {
    lines.push(`${hour} ${episode} ${kind} ${reason} ${told}`)
  }
  for (let hour = first; hour <= timeline.length; hour++) {
    const now = isTrue(hour)
    const over = isOver(hour)
    const begins = !known && now === true && tried.kind === 'threshold' ? 'first_known_below' : 'crossed'
    if (now !== null) known = true
    const fire = (reason: string) => {
      const why = whyNot(hour, false)
      open = { phase: 'firing', since: hour, told: why === 'true', why, last: hour }
      if (why === 'true') toldAt = hour
      say(hour, 'firing', reason, why)
    }
    const end = (reason: string) => {
      const backfill = timeline[hour - 1]!.backfill
      const why = whyNot(hour, true)
      say(hour, 'resolved', reason, backfill ? 'backfill' : !open!.told ? 'never_told' : why)
      open = null
    }
    if (open === null) {
      if (now !== true) continue
      episode += 1
      if (tried.dwellMs === 0) fire(begins)
      else {
        open = { phase: 'pending', since: hour, told: false, why: '', last: hour }
        say(hour, 'pending', begins, 'not_for_telling')
      }
      continue
    }
    const current: { phase: string; since: number; told: boolean; why: string; last: number } = open
    if (current.phase === 'pending') {
      if (now === false) end('not_sustained')
      else if (now === true && hour - current.since >= inHours(tried.dwellMs)) fire('sustained')
      continue
    }
    if (current.phase === 'firing' && now === false && over === true) {
      if (tried.recoverDwellMs === 0) {
        end('recovered')
        continue
      }
      current.phase = 'recovering'
      current.since = hour
      say(hour, 'recovering', 'recovery_seen', 'not_for_telling')
    } else if (current.phase === 'recovering') {
      if (now === true || over === false) {
        if (muted(hour)) continue
        current.phase = 'firing'
        say(hour, 'firing', 'relapsed', 'not_for_telling')
      } else if (over === true && !muted(hour) && hour - current.since >= inHours(tried.recoverDwellMs)) {
        end('recovered')
        continue
      }
    }
    if (current.phase !== 'firing' || now === null || current.why === 'backfill') continue
    const waits = !current.told && (current.why === 'cooldown' || current.why === 'silenced')
    const why = whyNot(hour, current.told)
    if (waits) {
      if (why === 'true') {
        say(hour, 'reminder', `${current.why}_over`, 'true')
        current.told = true
        current.last = hour
        toldAt = hour
      }
    } else if (tried.reminderMs !== null && hour - current.last >= inHours(tried.reminderMs)) {
      say(hour, 'reminder', 'still_firing', why)
      current.last = hour
    }
  }
  return lines
}

test('over random lives of an account the machine says what a naive model says, to the hour', () => {
  let steps = 0
  fc.assert(
    fc.property(world, (given) => {
      steps += given.sightings.length
      expect(produce(given)).toEqual(imagine(given))
    }),
    { numRuns: 6_000 },
  )
  expect(steps).toBeGreaterThan(100_000)
})
