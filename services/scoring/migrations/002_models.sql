-- Up Migration

-- Since when the published band has been healthy; null while it is not.
alter table account add column healthy_since timestamptz;

-- Tenants' own models as documents (YAML), never changed once written; version 1 of `default` is shipped and not here.
create table model_version (
  tenant_id text not null,
  model_id text not null,
  version integer not null,
  name text not null,
  priority integer,
  source text not null,
  author text not null,
  created_at timestamptz not null default now(),
  first_published_at timestamptz,
  primary key (tenant_id, model_id, version)
);

-- The version of each model that accounts are scored by; none when the model was withdrawn. Without a row: the shipped default.
create table live_model (
  tenant_id text not null,
  model_id text not null,
  version integer,
  published_at timestamptz not null default now(),
  revision bigint not null,
  primary key (tenant_id, model_id)
);
create index live_model_revision on live_model (revision);

-- When each source of a tenant was last heard, at most a minute behind, and what `source.activity` was last told of it.
create table source_activity (
  tenant_id text not null,
  source text not null,
  heard_at timestamptz not null,
  told_at timestamptz,
  told_heard_at timestamptz,
  primary key (tenant_id, source)
);
create index source_activity_untold on source_activity (told_at) where told_heard_at is distinct from heard_at;

-- Silences of sources that a live model maps to groups, and the span in which evaluations take account of them.
create table source_silence (
  tenant_id text not null,
  source text not null,
  heard_at timestamptz not null,
  from_at timestamptz not null,
  until_at timestamptz,
  revision bigint not null,
  primary key (tenant_id, source, from_at)
);
create unique index source_silence_open on source_silence (tenant_id, source) where until_at is null;
create index source_silence_revision on source_silence (revision);

-- Number of the newest change to live models and silences. Each change takes the next one under this row's lock, so that they
-- commit in their order: a process that knows all up to N has missed none.
create table revision (
  only_row boolean primary key default true check (only_row),
  value bigint not null
);
insert into revision (value) values (0);

-- Tenants whose accounts are to be looked at, because a model or a source changed: how far the pass under way has come.
-- Passes are made until one that begins at `settled_at` or later finds no account left.
create table reevaluation (
  tenant_id text primary key,
  next_pass_at timestamptz not null,
  settled_at timestamptz not null,
  passes integer not null default 0,
  found integer not null default 0,
  after_account_id text,
  claim text,
  claimed_until timestamptz
);
