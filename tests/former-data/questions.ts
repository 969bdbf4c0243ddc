import { hidesItsPath, shownUrl } from '../../services/alerting/core/delivery/shown-url.ts'
import type { Answer, Api } from './api.ts'

export type Recorded = Readonly<Record<string, Answer>>

const ACCOUNTS = [
  'acme',
  'globex',
  'vandelay',
  'initech',
  'hooli',
  'hooli-labs',
  'wayne',
  'soylent',
  'tyrell',
  'wonka',
  'cyberdyne',
  'umbrella',
  'stark',
  'oscorp',
]

const DAYS_AGO = [1, 4, 8, 15, 30, 50]

const pathsOfAccount = (accountId: string, nowMs: number): readonly string[] => {
  const path = `/v1/accounts/${accountId}`
  const at = (daysAgo: number): string => new Date(nowMs - daysAgo * 86_400_000).toISOString()
  return [
    path,
    `${path}/health`,
    ...DAYS_AGO.map((daysAgo) => `${path}/health?at=${at(daysAgo)}`),
    `${path}/history?limit=500`,
    `${path}/history?resolution=day&from=${at(40)}&to=${at(0)}`,
    `${path}/changes?limit=5`,
    `${path}/events?limit=15`,
    `${path}/journey`,
  ]
}

const LISTS = [
  '/v1/accounts?limit=4',
  '/v1/accounts?limit=100&sort=-score',
  '/v1/accounts?band=at_risk',
  '/v1/accounts?stage=onboarding&sort=-mrr',
  '/v1/accounts?owner=maria',
  '/v1/accounts?q=hoo',
  '/v1/accounts?trait.plan=enterprise',
  '/v1/portfolio',
  '/v1/backfills',
  '/v1/models',
  '/v1/models/enterprise/versions/1',
  '/v1/models/default/versions/2',
  '/v1/keys',
  '/v1/tenants',
  '/v1/audit?limit=100',
  '/v1/rules?limit=100',
  '/v1/rules/many_open_tickets',
  '/v1/alerts?limit=3',
  '/v1/alerts?state=firing&limit=100',
  '/v1/alerts?accountId=initech',
  '/v1/notification-policy',
  '/v1/silences',
  '/v1/webhook-endpoints',
]

type Page = {
  readonly items?: readonly { readonly id: string; readonly accountId?: string }[]
  readonly nextCursor?: string | null
}

/** Pages behind the first that are asked for as well. */
const MORE_PAGES = 2

/**
 * Everything that can be read of the sample, by path. Same questions for every version; cursors and
 * ids are those of the answers.
 */
export const askEverything = async (api: Api, nowMs: number): Promise<Record<string, Answer>> => {
  const recorded: Record<string, Answer> = {}
  const ask = async (path: string): Promise<Page> => {
    recorded[path] = await api.get(path)
    return recorded[path].body as Page
  }
  const askPages = async (path: string): Promise<Page> => {
    const first = await ask(path)
    let { nextCursor } = first
    for (let page = 0; page < MORE_PAGES && typeof nextCursor === 'string'; page++) {
      nextCursor = (await ask(`${path}${path.includes('?') ? '&' : '?'}cursor=${nextCursor}`)).nextCursor
    }
    return first
  }
  for (const path of [...LISTS, ...ACCOUNTS.flatMap((accountId) => pathsOfAccount(accountId, nowMs))])
    await askPages(path)
  for (const { id } of (recorded['/v1/alerts?state=firing&limit=100']!.body as Page).items ?? [])
    await ask(`/v1/alerts/${id}`)
  for (const { id } of (recorded['/v1/webhook-endpoints']!.body as Page).items ?? []) {
    await ask(`/v1/webhook-endpoints/${id}`)
    const deliveries = await askPages(`/v1/webhook-endpoints/${id}/deliveries?limit=10`)
    for (const delivery of deliveries.items?.slice(0, 3) ?? []) await ask(`/v1/deliveries/${delivery.id}`)
  }
  return recorded
}

/** Asks the recorded questions again. */
export const askAgain = async (api: Api, recorded: Recorded): Promise<Record<string, Answer>> => {
  const answers: Record<string, Answer> = {}
  for (const path of Object.keys(recorded)) answers[path] = await api.get(path)
  return answers
}

/**
 * What the instant of the question decides, by the path that was asked: when an evaluation was
 * made, and when a journey may end.
 */
const OF_NOW: readonly (readonly [path: RegExp, field: string])[] = [
  [/^\/v1\/accounts\/[^/]+(\/health)?$/, 'at'],
  [/^\/v1\/accounts\/[^/]+\/journey$/, 'eta'],
]

/**
 * An answer without the fields that time alone moves, and a refusal without the id of its request.
 */
const withoutNowAt = (path: string, { status, body }: Answer): Answer => {
  const fields =
    status === 200 ? OF_NOW.filter(([pattern]) => pattern.test(path)).map(([, field]) => field) : ['requestId']
  if (fields.length === 0) return { status, body }
  return { status, body: Object.fromEntries(Object.entries(body as object).filter(([name]) => !fields.includes(name))) }
}

export const withoutNow = (answers: Recorded): Record<string, Answer> =>
  Object.fromEntries(Object.entries(answers).map(([path, answer]) => [path, withoutNowAt(path, answer)]))

/**
 * Answers without the numbers of changes: how many events make one change is a matter of timing.
 */
export const withoutSequence = (answers: Recorded): Record<string, Answer> =>
  JSON.parse(JSON.stringify(answers), (name, value) => (name === 'sequence' ? undefined : value))

/**
 * Answers without the instants at which events were received: a version that did not sign them has
 * its word replaced by the broker's.
 */
export const withoutReceivedAt = (answers: Recorded): Record<string, Answer> =>
  JSON.parse(JSON.stringify(answers), (name, value) => (name === 'receivedAt' ? undefined : value))

/** Answers of a version that showed the paths of webhook URLs, as they are shown now. */
export const withShownUrls = (answers: Recorded): Record<string, Answer> =>
  JSON.parse(JSON.stringify(answers), (name, value) =>
    name === 'url' && !hidesItsPath(value) ? shownUrl(value) : value,
  )
