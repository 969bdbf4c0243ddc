-- Tenants, their keys, and who changed what.
create table access.tenant (
  id text primary key check (id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
  name text not null,
  created_at timestamptz not null default now()
);

create table access.api_key (
  id text primary key,
  tenant_id text not null references access.tenant (id),
  name text not null,
  key_hash bytea not null,
  scopes text[] not null,
  operator boolean not null default false,
  -- Valid only from this machine: the development key.
  loopback_only boolean not null default false,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz
);
create index api_key_by_tenant on access.api_key (tenant_id, id);

create table access.audit (
  id bigint generated always as identity primary key,
  tenant_id text not null,
  at timestamptz not null default now(),
  key_id text not null,
  actor text not null,
  action text not null,
  subject text not null,
  detail jsonb not null default '{}'
);
create index audit_by_tenant on access.audit (tenant_id, id);
