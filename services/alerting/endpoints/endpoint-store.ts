import { countOf } from '#libs/access/assert-room.ts'
import type { Sql } from '#libs/postgres/database.ts'
import type { StoredUrl } from './sealed-url.ts'

/** `slack`: an unsigned incoming webhook of Slack. `standard`: Standard Webhooks 1.0. */
export type EndpointKind = 'standard' | 'slack'

export type Endpoint = StoredUrl & {
  readonly endpointId: string
  readonly kind: EndpointKind
  readonly description: string | null
  readonly eventTypes: readonly string[]
  /** As it is stored: `readFilter` reads it. */
  readonly filter: unknown
  readonly maxPerSecond: number | null
  /** `unverified`: enabled, but no ping was answered yet. */
  readonly state: 'enabled' | 'disabled' | 'unverified'
  readonly stateReason: string | null
  readonly stateAt: number
  readonly failingSince: number | null
  readonly pausedUntil: number | null
  readonly createdAt: number
}

/** The part that a tenant sets. */
export type EndpointSettings = StoredUrl &
  Pick<Endpoint, 'kind' | 'description' | 'eventTypes' | 'filter' | 'maxPerSecond'>

const COLUMNS = `endpoint_id as "endpointId", kind, url, url_sealed as "urlSealed", description,
  event_types as "eventTypes", filter, max_per_second as "maxPerSecond",
  case when state = 'enabled' and verified_at is null then 'unverified' else state end as state, state_reason as "stateReason", state_at as "stateAt",
  failing_since as "failingSince", paused_until as "pausedUntil", created_at as "createdAt"`

/** Scheme, host and port: endpoints that have them in common share the calls to that host. */
const originOf = (url: string): string => new URL(url).origin

/** Endpoints of a tenant in the order of their creation, which is the order of their ids. */
export const listEndpoints = (
  sql: Sql,
  tenantId: string,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<readonly Endpoint[]> =>
  sql.query<Endpoint>(
    `select ${COLUMNS} from alerting.webhook_endpoint
      where tenant_id = $1 and state <> 'deleted' and ($2::uuid is null or endpoint_id > $2)
      order by endpoint_id limit $3`,
    [tenantId, after, limit],
  )

export const countEndpoints = (tx: Sql, tenantId: string): Promise<number> =>
  countOf(tx, `select count(*) from alerting.webhook_endpoint where tenant_id = $1 and state <> 'deleted'`, [tenantId])

const FIND = `select ${COLUMNS} from alerting.webhook_endpoint
  where tenant_id = $1 and endpoint_id = $2 and state <> 'deleted'`

export const findEndpoint = async (sql: Sql, tenantId: string, endpointId: string): Promise<Endpoint | undefined> =>
  (await sql.query<Endpoint>(FIND, [tenantId, endpointId]))[0]

/** Finds an endpoint and locks it until the transaction ends. */
export const lockEndpoint = async (tx: Sql, tenantId: string, endpointId: string): Promise<Endpoint | undefined> =>
  (await tx.query<Endpoint>(`${FIND} for update`, [tenantId, endpointId]))[0]

export type NewEndpoint = {
  readonly tenantId: string
  readonly endpointId: string
  /** False: it gets tests only until one is answered. */
  readonly verified: boolean
  readonly now: number
}

export const insertEndpoint = async (
  tx: Sql,
  { tenantId, endpointId, verified, now }: NewEndpoint,
  settings: EndpointSettings,
): Promise<Endpoint> => {
  const [inserted] = await tx.query<Endpoint>(
    `insert into alerting.webhook_endpoint
       (tenant_id, endpoint_id, kind, url, description, event_types, filter, max_per_second, state, state_at, created_at,
        origin, url_sealed, verified_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 'enabled',
             to_timestamp($9::double precision / 1000), to_timestamp($9::double precision / 1000), $10, $11,
             case when $12 then to_timestamp($9::double precision / 1000) end)
     returning ${COLUMNS}`,
    [
      tenantId,
      endpointId,
      settings.kind,
      settings.url,
      settings.description,
      settings.eventTypes,
      JSON.stringify(settings.filter),
      settings.maxPerSecond,
      now,
      originOf(settings.url),
      settings.urlSealed,
      verified,
    ],
  )
  return inserted!
}

export const updateEndpoint = async (
  tx: Sql,
  tenantId: string,
  endpointId: string,
  settings: EndpointSettings,
): Promise<Endpoint> => {
  const [updated] = await tx.query<Endpoint>(
    `update alerting.webhook_endpoint
        set url = $3, description = $4, event_types = $5, filter = $6, max_per_second = $7,
            origin = $8, url_sealed = $9
      where tenant_id = $1 and endpoint_id = $2 returning ${COLUMNS}`,
    [
      tenantId,
      endpointId,
      settings.url,
      settings.description,
      settings.eventTypes,
      JSON.stringify(settings.filter),
      settings.maxPerSecond,
      originOf(settings.url),
      settings.urlSealed,
    ],
  )
  return updated!
}

type StateChange = {
  readonly state: 'enabled' | 'disabled' | 'deleted'
  readonly reason: string | null
  readonly now: number
}

/** Enabling forgets failures and pause. Retention ends the deliveries of other endpoints. */
export const setEndpointState = async (
  tx: Sql,
  tenantId: string,
  endpointId: string,
  { state, reason, now }: StateChange,
): Promise<Endpoint> => {
  const [changed] = await tx.query<Endpoint>(
    `update alerting.webhook_endpoint
        set state = $3, state_reason = $4, state_at = to_timestamp($5::double precision / 1000),
            failing_since = case when $3 = 'enabled' then null else failing_since end,
            paused_until = case when $3 = 'enabled' then null else paused_until end
      where tenant_id = $1 and endpoint_id = $2 returning ${COLUMNS}`,
    [tenantId, endpointId, state, reason, now],
  )
  return changed!
}
