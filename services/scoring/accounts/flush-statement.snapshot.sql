
with head as (
  insert into scoring.partition_head as h (partition, position, next_offset)
  select $1, 1, $59::bigint
  where $60::bigint is null or exists (select from scoring.partition_head where partition = $1)
  on conflict (partition) do update
    set position = h.position + 1, next_offset = coalesce(excluded.next_offset, h.next_offset)
    where coalesce(h.next_offset >= $60::bigint, true)
  returning h.position, h.relayed
), input as (
  select i.* from head, unnest($3::text[], $4::text[], $5::int8[], $6::int4[], $7::int4[], $8::int8[], $9::int8[], $10::int4[], $11::int4[], $12::int4[], $13::int2[], $14::text[], $15::int4[], $16::text[], $17::text[], $18::float8[], $19::text[], $20::float8[], $21::text[], $22::float8[], $23::float8[], $24::float8[], $25::int4[], $26::text[], $27::text[], $28::float8[], $29::float8[], $30::float8[], $31::float8[]) as i (tenant_id, account_id, base_version, account_hash_at, account_hash_length, version, sequence, state_at, state_length, user_count, user_page_bits, model_id, model_version, name, owner_id, score, band, confidence, stage, mrr, score_delta_7d, score_delta_28d, renewal_day, traits, override, first_change_at, evaluated_at, next_evaluation_at, healthy_since)
), inserted as (
  insert into scoring.account (tenant_id, account_id, account_hash, version, sequence, state, user_count, user_page_bits, model_id, model_version, name, owner_id, score, band, confidence, stage, mrr, score_delta_7d, score_delta_28d, renewal_day, traits, override, first_change_at, evaluated_at, next_evaluation_at, healthy_since)
  select i.tenant_id, i.account_id, substring($2::bytea from i.account_hash_at + 1 for i.account_hash_length), i.version, i.sequence, substring($2::bytea from i.state_at + 1 for i.state_length), i.user_count, i.user_page_bits, i.model_id, i.model_version, i.name, i.owner_id, i.score, i.band, i.confidence, i.stage, i.mrr, i.score_delta_7d, i.score_delta_28d, i.renewal_day, i.traits::jsonb, i.override::jsonb, to_timestamp(i.first_change_at / 1000), to_timestamp(i.evaluated_at / 1000), to_timestamp(i.next_evaluation_at / 1000), to_timestamp(i.healthy_since / 1000)
  from input i where i.base_version = 0
  on conflict do nothing
  returning 1
), updated as (
  update scoring.account a set version = i.version, sequence = i.sequence, state = substring($2::bytea from i.state_at + 1 for i.state_length), user_count = i.user_count, user_page_bits = i.user_page_bits, model_id = i.model_id, model_version = i.model_version, name = i.name, owner_id = i.owner_id, score = i.score, band = i.band, confidence = i.confidence, stage = i.stage, mrr = i.mrr, score_delta_7d = i.score_delta_7d, score_delta_28d = i.score_delta_28d, renewal_day = i.renewal_day, traits = i.traits::jsonb, override = i.override::jsonb, first_change_at = to_timestamp(i.first_change_at / 1000), evaluated_at = to_timestamp(i.evaluated_at / 1000), next_evaluation_at = to_timestamp(i.next_evaluation_at / 1000), healthy_since = to_timestamp(i.healthy_since / 1000),
    evaluation_claimed_until = null
  from input i
  where i.base_version > 0 and a.tenant_id = i.tenant_id and a.account_id = i.account_id and a.version = i.base_version
  returning 1
), copied as (
  insert into scoring.account_snapshot (tenant_id, account_id, version, last_occurred_at, model_id, model_version,
    user_page_bits, state, pages)
  select a.tenant_id, a.account_id, a.version, scoring.last_occurred_at(a.tenant_id, a.account_id), a.model_id,
    a.model_version, a.user_page_bits, a.state, scoring.pages_of(a.tenant_id, a.account_id)
  from head, unnest($32::text[], $33::text[], $34::int8[]) as s (tenant_id, account_id, base_version)
  join scoring.account a
    on a.tenant_id = s.tenant_id and a.account_id = s.account_id and a.version = s.base_version
  on conflict do nothing
), paged as (
  insert into scoring.account_page (tenant_id, account_id, kind, page, bytes)
  select p.tenant_id, p.account_id, p.kind::scoring.page_kind, p.page, substring($2::bytea from p.bytes_at + 1 for p.bytes_length)
  from head, unnest($35::text[], $36::text[], $37::text[], $38::int4[], $39::int4[], $40::int4[]) as p (tenant_id, account_id, kind, page, bytes_at, bytes_length)
  on conflict (tenant_id, account_id, kind, page) do update set bytes = excluded.bytes
), logged as (
  insert into scoring.account_log (partition, position, tenant_id, account_id, version, at, first_occurred_at, last_occurred_at, ids, sequence, score, frame, events_at, events_length, change_length)
  select $1, head.position, l.tenant_id, l.account_id, l.version, to_timestamp(l.at / 1000), to_timestamp(l.first_occurred_at / 1000), to_timestamp(l.last_occurred_at / 1000), substring($2::bytea from l.ids_at + 1 for l.ids_length), l.sequence, l.score, l.frame, l.events_at, l.events_length, l.change_length
  from head, unnest($41::text[], $42::text[], $43::int8[], $44::float8[], $45::float8[], $46::float8[], $47::int4[], $48::int4[], $49::int8[], $50::float8[], $51::int4[], $52::int4[], $53::int4[], $54::int4[]) as l (tenant_id, account_id, version, at, first_occurred_at, last_occurred_at, ids_at, ids_length, sequence, score, frame, events_at, events_length, change_length)
), framed as (
  insert into scoring.log_frame (partition, position, frame, bytes)
  select $1, head.position, f.frame, substring($2::bytea from f.bytes_at + 1 for f.bytes_length)
  from head, unnest($55::int4[], $56::int4[], $57::int4[]) as f (frame, bytes_at, bytes_length)
)
select head.position, head.relayed,
  scoring.assert_written($58::bigint, (select count(*) from inserted) + (select count(*) from updated)) as written
from head