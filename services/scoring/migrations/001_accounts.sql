-- Up Migration

-- One row per account: its folded state and what lists filter and sort by. `version` is the compare-and-swap of every write.
create table account (
  tenant_id text not null,
  account_id text not null,
  version bigint not null,
  sequence bigint not null,
  state bytea not null,
  user_count integer not null,
  user_page_bits smallint not null,
  model_id text not null,
  model_version integer not null,
  name text,
  traits jsonb,
  owner_id text,
  score double precision,
  band text not null,
  confidence double precision not null,
  stage text not null,
  mrr double precision,
  score_delta_7d double precision,
  score_delta_28d double precision,
  renewal_day integer,
  override jsonb,
  first_change_at timestamptz,
  evaluated_at timestamptz not null,
  next_evaluation_at timestamptz,
  evaluation_claimed_until timestamptz,
  primary key (tenant_id, account_id)
) with (fillfactor = 50);
alter table account alter column state set storage main;
create index account_due on account (next_evaluation_at) where next_evaluation_at is not null;

-- The users of an account, in pages of a few hundred: an account with 100,000 users writes only the pages its events touch.
create table account_users (
  tenant_id text not null,
  account_id text not null,
  page integer not null,
  users bytea not null,
  primary key (tenant_id, account_id, page)
) with (fillfactor = 70);
alter table account_users alter column users set storage main;

-- Append only, one row per account and flush: the events it counted (as received, separated by 0x1e), their dedupe hashes
-- (8 bytes each), and the change they led to, which is also the message for account.health.
create table account_log (
  tenant_id text not null,
  account_id text not null,
  version bigint not null,
  partition integer not null,
  position bigint not null,
  at timestamptz not null,
  last_occurred_at timestamptz,
  ids bytea,
  events bytea,
  sequence bigint,
  score double precision,
  change bytea
);
alter table account_log alter column events set storage main;
alter table account_log alter column ids set storage main;
alter table account_log alter column change set storage main;
create index account_log_at on account_log (tenant_id, account_id, at);
create index account_log_position on account_log (partition, position);

-- Flushes of a partition are numbered under this row's lock, so their order of commit is their number;
-- `relayed` is the last one whose changes account.health is known to have.
create table partition_head (
  partition integer primary key,
  position bigint not null,
  relayed bigint not null default 0
) with (fillfactor = 50);

-- Aborts a flush of which some account was written by somebody else since it was read.
create function assert_written(expected bigint, written bigint) returns boolean language plpgsql as $$
begin
  if expected <> written then
    raise exception 'account version conflict: % of % written', written, expected using errcode = 'PU409';
  end if;
  return true;
end $$;
