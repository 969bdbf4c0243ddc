-- Up Migration

create table alerting.webhook_endpoint (
  tenant_id text not null,
  endpoint_id uuid primary key,
  kind text not null check (kind in ('standard', 'slack')),
  url text not null,
  description text,
  -- Empty: every type.
  event_types text[] not null,
  filter jsonb not null,
  -- Calls a second of each replica; null: as fast as it answers.
  max_per_second integer,
  state text not null check (state in ('enabled', 'disabled', 'deleted')),
  state_reason text,
  state_at timestamptz not null,
  -- Since when every try failed; null while the last one succeeded.
  failing_since timestamptz,
  -- The receiver asked for a pause.
  paused_until timestamptz,
  created_at timestamptz not null
);
create index webhook_endpoint_tenant on alerting.webhook_endpoint (tenant_id, endpoint_id);

-- Several at once while one is being replaced: a try bears a signature by each that has not expired.
create table alerting.webhook_secret (
  secret_id uuid primary key,
  endpoint_id uuid not null references alerting.webhook_endpoint on delete cascade,
  sealed bytea not null,
  created_at timestamptz not null,
  expires_at timestamptz
);
create index webhook_secret_endpoint on alerting.webhook_secret (endpoint_id);

-- The bytes that are sent: written once, shared by all endpoints of one kind, never changed.
create table alerting.webhook_message (
  message_id uuid primary key,
  body bytea not null
);
alter table alerting.webhook_message alter body set storage external;

-- Indexed columns do not change while a delivery is claimed, so a claim is an update in place (HOT).
create table alerting.delivery (
  -- The webhook-id.
  delivery_id uuid primary key,
  tenant_id text not null,
  endpoint_id uuid not null,
  message_id uuid not null,
  type text not null,
  account_id text,
  state text not null check (state in ('pending', 'delivered', 'exhausted')),
  reason text,
  -- Tries since it was created or last replayed: the place in the schedule.
  tries integer not null default 0,
  attempt_count integer not null default 0,
  -- The last tries, oldest first.
  attempts jsonb not null default '[]',
  next_attempt_at timestamptz not null,
  lease_token uuid,
  leased_until timestamptz,
  created_at timestamptz not null,
  finished_at timestamptz
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
create index delivery_due on alerting.delivery (endpoint_id, next_attempt_at) where state = 'pending';
create index delivery_log on alerting.delivery (endpoint_id, created_at, delivery_id);
create index delivery_exhausted on alerting.delivery (endpoint_id, created_at, delivery_id) where state = 'exhausted';
create index delivery_message on alerting.delivery (message_id);
