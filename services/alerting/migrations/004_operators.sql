-- Up Migration

-- What alerts are about besides accounts: a source that feeds the tenant, or (kind 'tenant', no name) all its accounts together.
create table alerting.subject (
  tenant_id text not null,
  kind text not null check (kind in ('source', 'tenant')),
  name text not null,
  seen jsonb,
  states jsonb not null default '{}',
  -- While its alert fires: rules whose alerts of the tenant's accounts are not told.
  inhibits text[] not null default '{}',
  next_check_at timestamptz,
  primary key (tenant_id, kind, name)
);
create index subject_due on alerting.subject (next_check_at) where next_check_at is not null;
create index subject_inhibiting on alerting.subject (tenant_id) where inhibits <> '{}';

-- Since when the account is silent or, while it is not, when it will be at the earliest; null: never active, or gone.
alter table alerting.account add column silent boolean not null default false;
alter table alerting.account add column quiet_at timestamptz;
create index account_quiet on alerting.account (tenant_id, quiet_at) include (silent) where quiet_at is not null;

alter table alerting.alert alter column account_id drop not null;
alter table alerting.alert add column source text;
alter table alerting.alert drop constraint alert_tenant_id_rule_id_account_id_episode_key;
create unique index alert_crossing on alerting.alert (tenant_id, rule_id, account_id, source, episode) nulls not distinct;
create index alert_hushed on alerting.alert (tenant_id, account_id) where muted in ('outage', 'held') and state <> 'resolved';
