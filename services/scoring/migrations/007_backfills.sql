-- Up Migration

-- Runs of backfilled events, one after the other per source: one that has been quiet for a while has ended, and is summed up.
create table scoring.backfill (
  tenant_id text not null,
  source text not null,
  run integer not null,
  started_at timestamptz not null,
  last_at timestamptz not null,
  events bigint not null,
  -- Null while it is not summed up; then `backfill_account` has nothing of it.
  summed_up_at timestamptz,
  accounts bigint,
  -- A list of {from, to, accounts}.
  band_moves jsonb,
  primary key (tenant_id, source, run)
);
create index backfill_list on scoring.backfill (tenant_id, started_at desc, source);
create index backfill_open on scoring.backfill (last_at) where summed_up_at is null;

-- The accounts a run has touched: their band before it (null: they were new) and after it.
create table scoring.backfill_account (
  tenant_id text not null,
  source text not null,
  run integer not null,
  account_id text not null,
  band_before text,
  band_after text not null,
  primary key (tenant_id, source, run, account_id)
);
