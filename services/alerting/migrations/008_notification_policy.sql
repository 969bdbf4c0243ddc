-- Up Migration

-- When and how a tenant is told of alerts: quiet hours, grouping, escalation, digest.
create table alerting.notification_policy (
  tenant_id text primary key,
  document jsonb not null,
  updated_at timestamptz not null,
  next_digest_at timestamptz,
  -- Until when the last digest reached.
  digested_at timestamptz
);
create index notification_policy_due on alerting.notification_policy (next_digest_at) where next_digest_at is not null;

-- Alerts of one owner ('': of nobody) that are told in one notice when the window ends.
create table alerting.notice_group (
  group_id uuid primary key,
  tenant_id text not null,
  owner_id text not null,
  due_at timestamptz not null,
  unique (tenant_id, owner_id)
);
create index notice_group_due on alerting.notice_group (due_at);

create table alerting.grouped_notice (
  notice_id uuid primary key,
  group_id uuid not null references alerting.notice_group on delete cascade,
  position bigint generated always as identity,
  tenant_id text not null,
  account_id text not null,
  notice jsonb not null
);
create index grouped_notice_group on alerting.grouped_notice (group_id, position);
create index grouped_notice_account on alerting.grouped_notice (tenant_id, account_id);

-- Which accounts a message tells of, where it tells of several: a line for people does not name them as a JSON text of their own.
create table alerting.message_account (
  message_id uuid not null references alerting.webhook_message on delete cascade,
  tenant_id text not null,
  account_id text not null,
  primary key (message_id, account_id)
);
create index message_account_account on alerting.message_account (tenant_id, account_id);

-- When an account is erased its row here goes with it, and so does every message that tells of it.
create function alerting.remove_message() returns trigger language plpgsql as $$
begin
  delete from alerting.delivery where message_id = old.message_id;
  delete from alerting.webhook_message where message_id = old.message_id;
  return null;
end $$;
create trigger message_account_erased after delete on alerting.message_account
  for each row execute function alerting.remove_message();
