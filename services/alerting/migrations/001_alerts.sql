-- Up Migration

-- One row per account: what was last seen of it and where each rule stands. Its lock makes one writer at a time.
create table alerting.account (
  tenant_id text not null,
  account_id text not null,
  -- Of the newest change that was judged: one at or below it is old news.
  sequence bigint not null default 0,
  seen jsonb,
  states jsonb not null default '{}',
  -- When a rule must look again although nothing new is known.
  next_check_at timestamptz,
  primary key (tenant_id, account_id)
) with (fillfactor = 60);
create index account_due on alerting.account (next_check_at) where next_check_at is not null;

create table alerting.rule (
  tenant_id text not null,
  rule_id text not null,
  version integer not null,
  document jsonb not null,
  -- A deleted rule stays until its episodes have ended.
  deleted boolean not null default false,
  updated_at timestamptz not null,
  primary key (tenant_id, rule_id)
);

create table alerting.alert (
  -- Derived from tenant, rule, account and episode.
  alert_id uuid primary key,
  tenant_id text not null,
  account_id text not null,
  rule_id text not null,
  episode integer not null,
  severity text not null check (severity in ('info', 'warning', 'critical')),
  state text not null check (state in ('pending', 'firing', 'recovering', 'resolved')),
  -- Why it opened.
  reason text not null,
  owner_id text,
  opened_at timestamptz not null,
  fired_at timestamptz,
  resolved_at timestamptz,
  acknowledged_at timestamptz,
  acknowledged_by text,
  snoozed_until timestamptz,
  told boolean not null,
  -- Why nobody was told, while nobody was.
  muted text,
  -- Sequence, health, explanation and facts when it opened.
  evidence jsonb not null,
  -- One alert per crossing.
  unique (tenant_id, rule_id, account_id, episode)
);
create index alert_list on alerting.alert (tenant_id, opened_at desc, alert_id desc);
create index alert_account on alerting.alert (tenant_id, account_id, opened_at desc);
create index alert_open on alerting.alert (tenant_id, rule_id) where state <> 'resolved';

create table alerting.alert_transition (
  alert_id uuid not null references alerting.alert on delete cascade,
  -- Counts from 1 within the alert.
  position integer not null,
  kind text not null,
  reason text not null,
  at timestamptz not null,
  told boolean not null,
  muted text,
  actor text,
  primary key (alert_id, position)
);

create table alerting.silence (
  silence_id uuid primary key,
  tenant_id text not null,
  matcher jsonb not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  comment text not null,
  created_by text not null,
  created_at timestamptz not null
);
create index silence_active on alerting.silence (tenant_id, ends_at);

create table alerting.outbox (
  id bigint generated always as identity primary key,
  topic text not null,
  key text not null,
  headers jsonb,
  value bytea not null
);
