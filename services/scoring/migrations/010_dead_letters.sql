-- Up Migration

-- The dead letters of every topic, so that people can look through them and replay them: the log can
-- neither be searched nor changed.
create table scoring.dead_letter (
  letter_id uuid primary key,
  -- Null where the key names no account.
  tenant_id text,
  account_id text,
  -- Of the original record.
  topic text not null,
  partition int not null,
  record_offset bigint not null,
  key text not null,
  headers jsonb not null,
  value bytea not null,
  reason text not null,
  at timestamptz not null,
  status text not null default 'waiting' check (status in ('waiting', 'replayed', 'dropped')),
  -- Whoever replays it: a claim ends by itself.
  claim_token uuid,
  claimed_until timestamptz
);
alter table scoring.dead_letter alter column value set storage external;
create index dead_letter_newest on scoring.dead_letter (at desc, letter_id);
create index dead_letter_waiting on scoring.dead_letter (topic, at) where status = 'waiting';
create index dead_letter_account on scoring.dead_letter (tenant_id, account_id);

-- How far the dead-letter topics are indexed.
create table scoring.dead_letter_position (
  topic text not null,
  partition int not null,
  next_offset bigint not null,
  primary key (topic, partition)
);

create or replace function scoring.forget_user(tenant text, account text, user_id text, kept jsonb) returns void language plpgsql as $$
begin
  delete from scoring.account_list where tenant_id = tenant and account_id = account;
  delete from scoring.account_profile where tenant_id = tenant and account_id = account;
  delete from scoring.onboarding_completion where tenant_id = tenant and account_id = account and journey_id = user_id;
  delete from scoring.dead_letter
   where tenant_id = tenant and account_id = account and position(convert_to(to_json(user_id)::text, 'UTF8') in value) > 0;
end $$;
