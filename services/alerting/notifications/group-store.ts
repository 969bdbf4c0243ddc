import type { Sql } from '#libs/postgres/database.ts'
import { derivedId } from '#libs/runtime/ids.ts'
import type { Notification } from './notification.ts'

export type Grouped = { readonly notification: Notification; readonly dueAt: number }

/** `ownerId` is `''` for alerts of accounts without an owner. */
export type NotificationGroup = { readonly groupId: string; readonly tenantId: string; readonly ownerId: string }

/** The stored id is called `noticeId`, as in groups that an earlier version opened. */
type StoredNotification = Omit<Notification, 'notificationId'> & { readonly noticeId: string }

const toStored = ({ notificationId, ...rest }: Notification): StoredNotification => ({
  noticeId: notificationId,
  ...rest,
})

/** Adds notifications to the groups of their owners. The first of a group sets when it is due. */
export const addToGroups = async (tx: Sql, grouped: readonly Grouped[]): Promise<void> => {
  if (grouped.length === 0) return
  const byOwner = Map.groupBy(grouped, ({ notification }) =>
    JSON.stringify([notification.tenantId, notification.ownerId ?? '']),
  )
  const firsts = [...byOwner].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, members]) => members[0]!)
  const groups = await tx.query<NotificationGroup>(
    `insert into alerting.notice_group as g (group_id, tenant_id, owner_id, due_at)
     select id, tenant, owner, to_timestamp(due / 1000)
       from unnest($1::uuid[], $2::text[], $3::text[], $4::double precision[]) with ordinality as n(id, tenant, owner, due, place)
      order by place
     on conflict (tenant_id, owner_id) do update set due_at = g.due_at
     returning group_id as "groupId", tenant_id as "tenantId", owner_id as "ownerId"`,
    [
      firsts.map(({ notification }) => derivedId('alert-group', notification.notificationId)),
      firsts.map(({ notification }) => notification.tenantId),
      firsts.map(({ notification }) => notification.ownerId ?? ''),
      firsts.map(({ dueAt }) => dueAt),
    ],
  )
  const groupOf = new Map(
    groups.map(({ groupId, tenantId, ownerId }) => [JSON.stringify([tenantId, ownerId]), groupId]),
  )
  await tx.query(
    `insert into alerting.grouped_notice (notice_id, group_id, tenant_id, account_id, notice)
     select id, grp, tenant, account, notice
       from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[]) with ordinality as n(id, grp, tenant, account, notice, place)
      order by place`,
    [
      grouped.map(({ notification }) => notification.notificationId),
      grouped.map(({ notification }) =>
        groupOf.get(JSON.stringify([notification.tenantId, notification.ownerId ?? ''])),
      ),
      grouped.map(({ notification }) => notification.tenantId),
      grouped.map(({ notification }) => notification.accountId),
      grouped.map(({ notification }) => JSON.stringify(toStored(notification))),
    ],
  )
}

/** Groups whose window has ended. Skips groups locked by another replica. */
export const claimDueGroups = (tx: Sql, now: number, limit: number): Promise<readonly NotificationGroup[]> =>
  tx.query<NotificationGroup>(
    `select group_id as "groupId", tenant_id as "tenantId", owner_id as "ownerId" from alerting.notice_group
      where due_at <= to_timestamp($1::double precision / 1000) order by due_at limit $2 for update skip locked`,
    [now, limit],
  )

/** Notifications of a group, in the order they were added. */
export const membersOf = async (tx: Sql, groupId: string): Promise<readonly Notification[]> =>
  (
    await tx.query<{ notice: StoredNotification }>(
      'select notice from alerting.grouped_notice where group_id = $1 order by position',
      [groupId],
    )
  ).map(({ notice: { noticeId, ...rest } }) => ({ notificationId: noticeId, ...rest }))

export const removeGroup = async (tx: Sql, groupId: string): Promise<void> => {
  await tx.query('delete from alerting.notice_group where group_id = $1', [groupId])
}

/** Stores the accounts a message names: erasing one removes it. Skips messages no endpoint took. */
export const noteAccountsOf = async (
  tx: Sql,
  tenantId: string,
  messageIds: readonly string[],
  accountIds: readonly string[],
): Promise<void> => {
  await tx.query(
    `insert into alerting.message_account (message_id, tenant_id, account_id)
     select m.message_id, $1, a.account from alerting.webhook_message m cross join unnest($3::text[]) as a(account)
      where m.message_id = any($2) on conflict do nothing`,
    [tenantId, messageIds, [...new Set(accountIds)]],
  )
}
