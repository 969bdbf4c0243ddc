export type AlertBody = {
  readonly type: string
  readonly timestamp: string
  readonly data: {
    readonly accountId: string
    readonly alert?: { readonly ruleId: string; readonly severity: string }
    readonly health?: {
      readonly score: number | null
      readonly previousScore: number | null
      readonly band: string
      readonly previousBand: string | null
    }
    readonly explanation?: readonly { readonly factor: string; readonly delta: number }[]
  }
}

const shown = (score: number | null | undefined): string => (score == null ? '-' : score.toFixed(1))

/** The strongest two reasons for the move. */
const reasons = (lines: readonly { factor: string; delta: number }[] = []): string =>
  [...lines]
    .sort((a, b) => Math.abs(b.delta) - Math.abs(a.delta))
    .slice(0, 2)
    .map(({ factor, delta }) => `${factor} ${delta > 0 ? '+' : ''}${delta.toFixed(1)}`)
    .join(', ')

/** An alert as one line: when, what, who, from where to where, why. */
export const alertLine = ({ type, timestamp, data }: AlertBody): string => {
  const { accountId, alert, health, explanation } = data
  const because = reasons(explanation)
  return [
    timestamp.slice(11, 19),
    type.padEnd(14),
    (alert?.ruleId ?? '').padEnd(18),
    (alert?.severity ?? '').padEnd(8),
    accountId.padEnd(14),
    `score ${shown(health?.previousScore)} -> ${shown(health?.score)} (${health?.band ?? 'unknown'})`,
    ...(because ? [`because ${because}`] : []),
  ].join('  ')
}
