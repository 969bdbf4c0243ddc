import { atTick, type Sighting, TICKS_PER_DAY } from './lives.ts'
import { type Look, NAIVE_RULES, type NaiveRule } from './naive-rules.ts'

export type PlannedSilence = {
  readonly fromTick: number
  readonly toTick: number
  readonly matcher: {
    readonly ruleId?: string
    readonly severity?: string
    readonly ownerId?: string
    readonly accountId?: string
  }
}

/** One transition as both sides tell it. `why` is `true` when it was told. */
export type NotifiedTransition = {
  readonly ruleId: string
  readonly episode: number
  readonly position: number
  readonly kind: string
  readonly reason: string
  readonly at: number
  readonly why: string
}

const REMINDER_TICKS = 14 * TICKS_PER_DAY
const PASSING = ['cooldown', 'silenced', 'inhibited']

type Open = { told: boolean; why: string; lastSaid: number; closed: boolean }
type State = { episode: number; position: number; known: boolean; toldAt: number; open: Open | null; read: Sighting[] }

/**
 * What must be told of one life, in the dullest way: tick by tick, every rule looks back over all
 * that it could read, and nothing is known of what falls due when.
 */
export const imagineAlerts = (
  accountId: string,
  life: readonly Sighting[],
  silences: readonly PlannedSilence[],
  lastTick: number,
): readonly NotifiedTransition[] => {
  const told: NotifiedTransition[] = []
  const states = new Map<string, State>(
    NAIVE_RULES.map(({ id }) => [
      id,
      { episode: 0, position: 0, known: false, toldAt: -Infinity, open: null, read: [] },
    ]),
  )
  const isSilenced = (rule: NaiveRule, { facts }: Sighting, tick: number): boolean =>
    silences.some(
      ({ fromTick, toTick, matcher }) =>
        fromTick <= tick &&
        tick < toTick &&
        (matcher.ruleId ?? rule.id) === rule.id &&
        (matcher.severity ?? rule.severity) === rule.severity &&
        (matcher.ownerId ?? facts.ownerId) === facts.ownerId &&
        (matcher.accountId ?? accountId) === accountId,
    )

  const look = (rule: NaiveRule, state: State, now: Sighting, tick: number): void => {
    const fresh = now.tick === tick
    const say = (kind: string, reason: string, why: string): void => {
      state.position++
      const { episode, position } = state
      told.push({ ruleId: rule.id, episode, position, kind, reason, at: atTick(tick), why })
    }
    const whyNot = (alreadyNotified: boolean): string => {
      if (now.backfill) return 'backfill'
      if (rule.tells === 'digest') return 'digest_only'
      if (!alreadyNotified && tick < state.toldAt + (rule.cooldownDays ?? 7) * TICKS_PER_DAY) return 'cooldown'
      if (isSilenced(rule, now, tick)) return 'silenced'
      const muter = rule.mutedBy === undefined ? undefined : states.get(rule.mutedBy)
      return muter?.open ? 'inhibited' : 'true'
    }
    const whyNotRecovery = ({ told: wasNotified }: Open): string => {
      if (now.backfill) return 'backfill'
      if (rule.momentary || rule.tells !== undefined) return 'not_for_telling'
      if (!wasNotified) return 'never_told'
      return isSilenced(rule, now, tick) ? 'silenced' : 'true'
    }
    const remember = (open: Open, why: string): void => {
      open.lastSaid = tick
      if (why !== 'true') return
      if (!open.told) state.toldAt = tick
      open.told = true
    }
    const resolve = (open: Open, reason: string): void => {
      if (!open.closed) say('resolved', reason, whyNotRecovery(open))
      state.open = null
    }

    if (rule.looksAt && !rule.looksAt(now.facts)) {
      if (state.open) resolve(state.open, 'left_out')
      return
    }
    if (!rule.hard && now.facts.band === 'insufficient_data') return
    if (fresh) state.read.push(now)
    const view: Look = { facts: now.facts, tick, read: state.read }
    const holds = rule.holds(view)
    const isOver = rule.isOver ? rule.isOver(view) : holds === null ? null : !holds
    const low = now.facts.band === 'at_risk' || now.facts.band === 'critical'
    const begins = !state.known && !rule.hard && low ? 'first_known_below' : 'crossed'
    if (holds !== null) state.known = true
    const { open } = state
    if (open === null) {
      if (holds !== true) return
      state.episode++
      state.position = 0
      const why = whyNot(false)
      const opened: Open = { told: false, why, lastSaid: tick, closed: false }
      state.open = opened
      say('firing', begins, why)
      remember(opened, why)
      if (!rule.momentary) return
      say('resolved', 'momentary', whyNotRecovery(opened))
      opened.closed = true
      return
    }
    if (holds !== true && isOver === true) return resolve(open, 'recovered')
    if (open.closed || holds === null || open.why === 'backfill') return
    const why = whyNot(open.told)
    if (!open.told && PASSING.includes(open.why)) {
      if (why !== 'true') return
      say('reminder', `${open.why}_over`, why)
      remember(open, why)
    } else if (rule.reminds !== false && tick - open.lastSaid >= REMINDER_TICKS) {
      say('reminder', 'still_firing', why)
      remember(open, why)
    }
  }

  let next = 0
  for (let tick = life[0]?.tick ?? Infinity; tick <= lastTick; tick++) {
    while (next < life.length && life[next]!.tick <= tick) next++
    for (const rule of NAIVE_RULES) look(rule, states.get(rule.id)!, life[next - 1]!, tick)
  }
  return told
}
