type SlackNotification = {
  readonly type: string
  readonly accountId: string | null
  readonly severity: string | null
  readonly body: object
}

const MARKS: Readonly<Record<string, string>> = { critical: ':red_circle:', warning: ':large_yellow_circle:' }

/** Alerts named in a message about several; the others are counted. */
const MOST_NAMED = 10

/** The body of an incoming webhook of Slack: a line in mrkdwn, and one per alert of several. */
export const slackMessage = ({ type, accountId, severity, body }: SlackNotification): { text: string } => {
  const data = objectAt(body, 'data')
  const alert = objectAt(data, 'alert')
  const health = objectAt(data, 'health')
  const parts = [
    MARKS[severity ?? ''] ?? ':information_source:',
    `*${escapeText(type)}*`,
    accountId === null ? '' : `account *${escapeText(accountId)}*`,
    typeof data.source === 'string' ? `source *${escapeText(data.source)}*` : '',
    typeof data.silentAccounts === 'number' ? `${data.silentAccounts} accounts are silent` : '',
    typeof alert.ruleId === 'string' ? `rule \`${escapeText(alert.ruleId)}\`` : '',
    moved(health.previousScore, health.score),
    typeof health.band === 'string' ? `(${escapeText(health.band)})` : '',
  ]
  const line = parts.filter((part) => part !== '').join(' ')
  return { text: [line, ...severalAlerts(data)].join('\n') }
}

const severalAlerts = ({ alerts, count, ownerId }: Record<string, unknown>): readonly string[] => {
  if (!Array.isArray(alerts) || typeof count !== 'number') return []
  const named = alerts.slice(0, MOST_NAMED).map((alert: Record<string, unknown>) => {
    const mark = MARKS[String(alert.severity)] ?? ':information_source:'
    return `${mark} account *${escapeText(String(alert.accountId))}* rule \`${escapeText(String(alert.ruleId))}\` ${escapeText(String(alert.state))}`
  })
  const owner = typeof ownerId === 'string' ? ` of *${escapeText(ownerId)}*` : ''
  const rest = count > named.length ? [`and ${count - named.length} more`] : []
  return [`${count} alerts${owner}`, ...named, ...rest]
}

const moved = (before: unknown, after: unknown): string => {
  if (typeof after !== 'number') return ''
  return typeof before === 'number' ? `score ${before} → ${after}` : `score ${after}`
}

const objectAt = (value: object, key: string): Record<string, unknown> => {
  const inner = (value as Record<string, unknown>)[key]
  return typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {}
}

/** Escapes what Slack interprets: an account named `<!channel>` must not notify a whole channel. */
const escapeText = (text: string): string =>
  text.slice(0, 256).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
