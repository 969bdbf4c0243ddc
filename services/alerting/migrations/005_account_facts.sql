-- Up Migration

-- What rules could read of each change, for previews. Append only, a row per account and judged batch: a whole row says all, the
-- others what differs from the row before. An account has a whole row in each week in which it changes, so that old rows can go;
-- when the week is over its rows become one.
create table alerting.account_facts (
  tenant_id text not null,
  account_id text not null,
  -- Of the first change in it.
  sequence bigint not null,
  -- Of the last change in it.
  at timestamptz not null,
  whole boolean not null,
  changes json not null,
  primary key (tenant_id, account_id, sequence)
);
create index account_facts_at on alerting.account_facts (at);
create index account_facts_loose on alerting.account_facts (at) where not whole;

create index alert_resolved on alerting.alert (resolved_at) where state = 'resolved';
