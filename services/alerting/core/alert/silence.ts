import type { Severity } from '#libs/contracts/severity.ts'

/** Matching alerts are recorded but not notified. Absent parts of the matcher match everything. */
export type Silence = {
  readonly startsAt: number
  readonly endsAt: number
  readonly matcher: {
    readonly ruleId?: string
    readonly accountId?: string
    readonly severity?: Severity
    readonly ownerId?: string
    readonly traits?: Readonly<Record<string, unknown>>
  }
}

export type SilenceSubject = {
  readonly accountId: string | null
  readonly ownerId: string | null
  readonly traits: Readonly<Record<string, unknown>>
}

/** When the last of the silences that hold at `at` ends; null when none holds. */
export const silencedUntil = (
  silences: readonly Silence[],
  rule: { readonly id: string; readonly severity: Severity },
  subject: SilenceSubject,
  at: number,
): number | null => {
  const ends = silences
    .filter((silence) => silence.startsAt <= at && at < silence.endsAt && matches(silence.matcher, rule, subject))
    .map((silence) => silence.endsAt)
  return ends.length === 0 ? null : Math.max(...ends)
}

const matches = (
  matcher: Silence['matcher'],
  rule: { readonly id: string; readonly severity: Severity },
  subject: SilenceSubject,
): boolean =>
  (matcher.ruleId === undefined || matcher.ruleId === rule.id) &&
  (matcher.severity === undefined || matcher.severity === rule.severity) &&
  (matcher.accountId === undefined || matcher.accountId === subject.accountId) &&
  (matcher.ownerId === undefined || matcher.ownerId === subject.ownerId) &&
  Object.entries(matcher.traits ?? {}).every(([name, value]) => subject.traits[name] === value)
