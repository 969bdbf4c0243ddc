import type { Sql } from '#libs/postgres/database.ts'
import type { Logger } from '#libs/runtime/logger.ts'
import type { EndpointKind } from '../endpoints/endpoint-store.ts'
import type { StoredUrl } from '../endpoints/sealed-url.ts'
import type { WebhookType } from '../notifications/notification.ts'

export type ClaimedDelivery = {
  readonly deliveryId: string
  readonly tenantId: string
  readonly endpointId: string
  readonly type: WebhookType
  /** Attempts since the delivery was created or last replayed. */
  readonly tries: number
  readonly body: Buffer
}

/** Rows of each that is named, and of every other. */
export type Shares = { readonly of: ReadonlyMap<string, number>; readonly others: number }

export type ClaimRequest = {
  /** Fences former holders of the rows off: only an attempt that bears the token is saved. */
  readonly token: string
  readonly now: number
  readonly leaseMs: number
  /** Rows that each of these endpoints may still be given. */
  readonly room: ReadonlyMap<string, number>
  /** Rows that every other endpoint may be given. */
  readonly defaultRoom: number
  /** Rows that endpoints of one tenant, or at one host (origin), may be given. */
  readonly tenants: Shares
  readonly hosts: Shares
  /** Rows of all endpoints together. */
  readonly limit: number
}

/**
 * Due deliveries of an endpoint, `e`. Those of unverified ones are tests, which have an index of
 * their own: what waits there is not read.
 */
const dueOf = (which: string): string => `
  select d.delivery_id from alerting.delivery d
   where ${which} and d.endpoint_id = e.endpoint_id and d.state = 'pending'
     and d.next_attempt_at <= to_timestamp($4::double precision / 1000)
     and (d.leased_until is null or d.leased_until <= to_timestamp($4::double precision / 1000))
   order by d.next_attempt_at limit e.free
   for update skip locked`

/**
 * Claims due deliveries under a lease, for each endpoint as many as it has room for, within the
 * share of its tenant. One statement:
 *
 *     room     A 3, B 0                     from the request, as `tenants` and `hosts`
 *     open     t: C 4, A 3                  by tenant: enabled, not paused, room, host with share
 *     due      C: 4 oldest, A: 3 oldest     due, not leased, not locked by another claim
 *     picked   at most `limit` of these, and of each tenant at most its share
 *     claimed  picked, with token and lease
 *     result   claimed with their bodies, oldest first
 *
 * - Tenants, and endpoints in `open`, are in random order: when a bound cuts, none waits behind the
 *   backlog of another.
 * - Deliveries of a tenant that is suspended or deleted wait, and those of an unverified endpoint
 *   that are no tests.
 * - Endpoints at one host may together get more than its share: the claim loop gives that back.
 * - A row whose lease ended is due again: the process that held it died or stopped.
 * - Arrays of ids and a subquery reach the rows. The planner cannot know how few rows there are and
 *   would read whole tables in a join.
 * - The commit does not wait for the disk: a claim lost in a crash of the server is only due again.
 */
export const claimDeliveries = (sql: Sql, request: ClaimRequest): Promise<readonly ClaimedDelivery[]> =>
  sql.query<ClaimedDelivery>(
    `with room as (
       select * from unnest($1::uuid[], $2::int[]) as r(endpoint_id, free)),
     tenants as (
       select * from unnest($8::text[], $9::int[]) as r(tenant_id, free)),
     hosts as (
       select * from unnest($11::text[], $12::int[]) as r(origin, free)),
     open as (
       select e.tenant_id, coalesce(tenants.free, $10::int) as free,
              array_agg(e.endpoint_id order by e.place) as endpoint_ids, array_agg(e.free order by e.place) as frees,
              array_agg(e.verified order by e.place) as verifieds
         from (select e.tenant_id, e.endpoint_id, e.verified_at is not null as verified, random() as place,
                      least(coalesce(room.free, $3::int), coalesce(hosts.free, $13::int)) as free
                 from alerting.webhook_endpoint e
                 left join room using (endpoint_id) left join hosts using (origin)
                where e.state = 'enabled'
                  and (e.paused_until is null or e.paused_until <= to_timestamp($4::double precision / 1000))
                  and not exists (select from access.tenant t where t.id = e.tenant_id and t.state <> 'active')) e
         left join tenants using (tenant_id)
        where e.free > 0 and coalesce(tenants.free, $10::int) > 0
        group by e.tenant_id, tenants.free order by random()),
     picked as materialized (
       select due.delivery_id
         from (select set_config('synchronous_commit', 'off', true)) quick
         cross join open
         cross join lateral (
           select d.delivery_id
             from unnest(open.endpoint_ids, open.frees, open.verifieds) as e(endpoint_id, free, verified)
            cross join lateral (
              select delivery_id from (${dueOf('e.verified')}) sent
               union all
              select delivery_id from (${dueOf("not e.verified and d.type = 'webhook.test'")}) tests) d
            limit open.free) due
        limit $5),
     claimed as (
       update alerting.delivery d
          set lease_token = $6, leased_until = to_timestamp(($4::double precision + $7::double precision) / 1000)
        where d.delivery_id = any(array(select delivery_id from picked))
       returning d.delivery_id, d.tenant_id, d.endpoint_id, d.type, d.tries, d.message_id, d.next_attempt_at)
     select c.delivery_id as "deliveryId", c.tenant_id as "tenantId", c.endpoint_id as "endpointId", c.type, c.tries,
            (select m.body from alerting.webhook_message m where m.message_id = c.message_id) as body
       from claimed c order by c.next_attempt_at`,
    [
      [...request.room.keys()],
      [...request.room.values()],
      request.defaultRoom,
      request.now,
      request.limit,
      request.token,
      request.leaseMs,
      ...sharesOf(request.tenants),
      ...sharesOf(request.hosts),
    ],
  )

const sharesOf = ({ of, others }: Shares): readonly [readonly string[], readonly number[], number] => [
  [...of.keys()],
  [...of.values()],
  others,
]

export type DeliveryTarget = StoredUrl & {
  readonly endpointId: string
  readonly tenantId: string
  readonly verified: boolean
  readonly origin: string
  readonly kind: EndpointKind
  readonly failingSince: number | null
  readonly maxPerSecond: number | null
  /** Sealed, newest first. */
  readonly secrets: readonly Buffer[]
}

/** Enabled endpoints for attempts. Read for each claim: a new secret or URL is in force at once. */
export const targetsOf = (sql: Sql, endpointIds: readonly string[], now: number): Promise<readonly DeliveryTarget[]> =>
  sql.query<DeliveryTarget>(
    `select e.endpoint_id as "endpointId", e.tenant_id as "tenantId", e.url, e.url_sealed as "urlSealed", e.origin,
            e.kind, e.verified_at is not null as verified, e.failing_since as "failingSince", e.max_per_second as "maxPerSecond",
            array(select s.sealed from alerting.webhook_secret s
                   where s.endpoint_id = e.endpoint_id
                     and (s.expires_at is null or s.expires_at > to_timestamp($2::double precision / 1000))
                   order by s.created_at desc, s.secret_id desc) as secrets
       from alerting.webhook_endpoint e where e.endpoint_id = any($1) and e.state = 'enabled'`,
    [endpointIds, now],
  )

/** Gives claims back; those it fails to give back are due again when their leases end. */
export const releaseClaims = async (sql: Sql, claims: readonly Claim[], logger: Logger): Promise<void> => {
  try {
    for (const [token, claimed] of Map.groupBy(claims, (claim) => claim.token))
      await releaseDeliveries(
        sql,
        token,
        claimed.map(({ delivery }) => delivery.deliveryId),
      )
  } catch (error) {
    logger.warn({ err: error, deliveries: claims.length }, 'claims not released, their leases will end')
  }
}

type Claim = { readonly token: string; readonly delivery: ClaimedDelivery }

/** Ends the leases of deliveries that were claimed and not attempted. */
const releaseDeliveries = async (sql: Sql, token: string, deliveryIds: readonly string[]): Promise<void> => {
  await sql.query(
    `update alerting.delivery set lease_token = null, leased_until = null
      where delivery_id = any($1) and lease_token = $2`,
    [deliveryIds, token],
  )
}
