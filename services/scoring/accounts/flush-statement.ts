/**
 * A whole flush in one statement: one round trip, one transaction. $1 is the partition, $2 the blob, then the columns of FlushRows,
 * last how many accounts must be written. The head row is locked first, so flushes of a partition commit in the order of their
 * positions. An account is written only where it still has the version that was read; any that has not fails the statement
 * (SQLSTATE PU409).
 */
export const FLUSH_STATEMENT = `
with head as (
  insert into scoring.partition_head as h (partition, position) values ($1, 1)
  on conflict (partition) do update set position = h.position + 1
  returning h.position, h.relayed
), input as (
  select i.* from head, unnest(
    $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::int[], $9::int[], $10::int[], $11::smallint[],
    $12::text[], $13::int[], $14::text[], $15::text[], $16::float8[], $17::text[], $18::float8[], $19::text[],
    $20::float8[], $21::float8[], $22::float8[], $23::float8[], $24::text[], $25::float8[], $26::float8[], $27::int[],
    $28::text[], $29::float8[]
  ) as i (tenant_id, account_id, base_version, version, sequence, state_at, state_length, user_count, user_page_bits, model_id,
    model_version, name, owner_id, score, band, confidence, stage, mrr, first_change_at, evaluated_at, next_evaluation_at,
    traits, score_delta_7d, score_delta_28d, renewal_day, override, healthy_since)
), inserted as (
  insert into scoring.account (tenant_id, account_id, version, sequence, state, user_count, user_page_bits, model_id, model_version, name, owner_id,
    score, band, confidence, stage, mrr, score_delta_7d, score_delta_28d, renewal_day, traits, override, first_change_at,
    evaluated_at, next_evaluation_at, healthy_since)
  select tenant_id, account_id, version, sequence, substring($2::bytea from state_at + 1 for state_length), user_count,
    user_page_bits, model_id, model_version, name, owner_id, score, band, confidence, stage, mrr, score_delta_7d,
    score_delta_28d, renewal_day, traits::jsonb, override::jsonb, to_timestamp(first_change_at / 1000),
    to_timestamp(evaluated_at / 1000), to_timestamp(next_evaluation_at / 1000),
    to_timestamp(healthy_since / 1000)
  from input where base_version = 0
  on conflict do nothing
  returning 1
), updated as (
  update scoring.account a set version = i.version, sequence = i.sequence, state = substring($2::bytea from i.state_at + 1 for i.state_length),
    user_count = i.user_count, user_page_bits = i.user_page_bits, model_id = i.model_id, model_version = i.model_version,
    name = i.name, owner_id = i.owner_id, score = i.score, band = i.band, confidence = i.confidence, stage = i.stage, mrr =
    i.mrr, score_delta_7d = i.score_delta_7d, score_delta_28d = i.score_delta_28d, renewal_day = i.renewal_day, traits =
    i.traits::jsonb, override = i.override::jsonb, first_change_at = to_timestamp(i.first_change_at / 1000), evaluated_at =
    to_timestamp(i.evaluated_at / 1000), next_evaluation_at = to_timestamp(i.next_evaluation_at / 1000),
    healthy_since = to_timestamp(i.healthy_since / 1000), evaluation_claimed_until = null
  from input i
  where i.base_version > 0 and a.tenant_id = i.tenant_id and a.account_id = i.account_id and a.version = i.base_version
  returning 1
), paged as (
  insert into scoring.account_users as u (tenant_id, account_id, page, users)
  select p.tenant_id, p.account_id, p.page, substring($2::bytea from p.users_at + 1 for p.users_length)
  from head, unnest($30::text[], $31::text[], $32::int[], $33::int[], $34::int[])
    as p (tenant_id, account_id, page, users_at, users_length)
  on conflict (tenant_id, account_id, page) do update set users = excluded.users
), logged as (
  insert into scoring.account_log (tenant_id, account_id, version, partition, position, at, last_occurred_at, ids, sequence, score,
    frame, events_at, events_length, change_length)
  select l.tenant_id, l.account_id, l.version, $1, head.position, to_timestamp(l.at / 1000), to_timestamp(l.last_occurred_at / 1000),
    substring($2::bytea from l.ids_at + 1 for l.ids_length), l.sequence, l.score, l.frame, l.events_at, l.events_length,
    l.change_length
  from head, unnest(
    $35::text[], $36::text[], $37::bigint[], $38::float8[], $39::float8[], $40::int[], $41::int[], $42::bigint[], $43::float8[], $44::int[], $45::int[], $46::int[], $47::int[]
  ) as l (tenant_id, account_id, version, at, last_occurred_at, ids_at, ids_length, sequence, score, frame, events_at, events_length,
    change_length)
), framed as (
  insert into scoring.log_frame (partition, position, frame, bytes)
  select $1, head.position, f.frame, substring($2::bytea from f.bytes_at + 1 for f.bytes_length)
  from head, unnest($48::int[], $49::int[], $50::int[]) as f (frame, bytes_at, bytes_length)
)
select head.position, head.relayed,
  scoring.assert_written($51::bigint, (select count(*) from inserted) + (select count(*) from updated)) as written
from head`
