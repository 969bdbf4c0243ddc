import type { Database } from '#libs/postgres/database.ts'

export type Membership = {
  readonly group: string
  readonly topicId: number
  readonly topic: string
  readonly member: string
}
export type Lease = { readonly partition: number; readonly epoch: number; readonly position: number }

/** Members, the leases under which they read, and positions, by the database's clock. */
export const createGroupStore = (database: Database) => ({
  /** Gives the group its positions: a new group begins with the oldest kept records. */
  addReaders: ({ group, topicId }: Membership) =>
    database.query(
      `insert into bus.readers (consumer_group, topic_id, partition, position)
       select $1, p.topic_id, p.partition, coalesce(
         (select c.last_offset - c.record_count + 1 from bus.chunks c
          where c.topic_id = p.topic_id and c.partition = p.partition order by c.last_offset limit 1), p.next_offset)
       from bus.partitions p where p.topic_id = $2 order by p.partition
       on conflict do nothing`,
      [group, topicId],
    ),

  /** Renews leases, stores positions. Answers the partitions held and the live members, sorted. */
  heartbeat: async ({ group, topicId, topic, member }: Membership, leases: readonly Lease[]) => {
    const [row] = await database.query<{ claimed: number[]; joined: boolean }>(
      `with me as (
         insert into bus.members values ($1, $2, $3, now() + bus.lease_length())
         on conflict (consumer_group, topic_id, member) do update set expires_at = excluded.expires_at
         returning xmax = 0 as joined),
       claimed as (
         update bus.readers r set expires_at = now() + bus.lease_length(), position = greatest(r.position, mine.position)
         from unnest($4::int[], $5::bigint[], $6::bigint[]) as mine (partition, epoch, position)
         where r.consumer_group = $1 and r.topic_id = $2 and r.partition = mine.partition and r.member = $3 and r.epoch = mine.epoch
         returning r.partition)
       select array(select partition from claimed) as claimed, me.joined, case when me.joined
         then pg_notify('bus', 'group ' || $1 || ' ' || $7) end
       from me`,
      [
        group,
        topicId,
        member,
        leases.map((lease) => lease.partition),
        leases.map((lease) => lease.epoch),
        leases.map((lease) => lease.position),
        topic,
      ],
    )
    const members = await database.query<{ member: string }>(
      `select member from bus.members
       where consumer_group = $1 and topic_id = $2 and bus.is_live(expires_at) order by member`,
      [group, topicId],
    )
    return { claimed: new Set(row!.claimed), members: members.map((one) => one.member) }
  },

  /** Claims the partitions that no live member holds. */
  claim: ({ group, topicId, member }: Membership, partitions: readonly number[]): Promise<readonly Lease[]> =>
    database.query<Lease>(
      `update bus.readers set member = $3, epoch = epoch + 1, expires_at = now() + bus.lease_length()
       where consumer_group = $1 and topic_id = $2 and partition = any($4::int[])
         and (member is null or member = $3 or not bus.is_live(expires_at))
       returning partition, epoch, position`,
      [group, topicId, member, partitions],
    ),

  /** Stores the position and frees the partition for another member. */
  release: async ({ group, topicId, topic, member }: Membership, lease: Lease) => {
    await database.query(
      `with released as (
         update bus.readers set member = null, position = greatest(position, $6)
         where consumer_group = $1 and topic_id = $2 and partition = $4 and member = $3 and epoch = $5 returning 1)
       select pg_notify('bus', 'group ' || $1 || ' ' || $7) from released`,
      [group, topicId, member, lease.partition, lease.epoch, lease.position, topic],
    )
  },

  leave: async ({ group, topicId, topic, member }: Membership) => {
    await database.query(
      `with gone as (delete from bus.members where consumer_group = $1 and topic_id = $2 and member = $3 returning 1)
       select pg_notify('bus', 'group ' || $1 || ' ' || $4) from gone`,
      [group, topicId, member, topic],
    )
  },

  forgetDeadMembers: () => database.query("delete from bus.members where expires_at < now() - interval '1 hour'"),
})
export type GroupStore = ReturnType<typeof createGroupStore>
