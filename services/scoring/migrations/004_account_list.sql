-- Up Migration

-- Words inside names and ids, and equality beside them; both extensions ship with PostgreSQL and need no superuser.
create extension if not exists pg_trgm;
create extension if not exists btree_gin;

-- What lists filter and sort by, with its indexes. It follows `account` at a distance (`account_list_head`): a row here costs
-- several times what an account costs in a flush, so an account that changes often is written here once for many changes.
-- First what every change moves, below what rarely moves.
create table account_list (
  tenant_id text not null,
  account_id text not null,
  sequence bigint not null,
  score double precision,
  band text not null,
  confidence double precision not null,
  stage text not null,
  score_delta_7d double precision,
  score_delta_28d double precision,
  evaluated_at timestamptz not null,
  primary key (tenant_id, account_id),
  foreign key (tenant_id, account_id) references account on delete cascade
) with (fillfactor = 70);
create index account_list_score on account_list (tenant_id, score, account_id);
create index account_list_delta_7d on account_list (tenant_id, score_delta_7d, account_id);
create index account_list_delta_28d on account_list (tenant_id, score_delta_28d, account_id);
create index account_list_band on account_list (tenant_id, band, score, account_id);
create index account_list_stage on account_list (tenant_id, stage, score, account_id);

-- `search` is ' id name' in lower case, so that every word of it follows a space.
create table account_profile (
  tenant_id text not null,
  account_id text not null,
  name text,
  owner_id text,
  parent_id text,
  traits jsonb not null,
  mrr double precision,
  renewal_day integer,
  search text not null,
  primary key (tenant_id, account_id),
  foreign key (tenant_id, account_id) references account on delete cascade
) with (fillfactor = 90);
create index account_profile_mrr on account_profile (tenant_id, mrr, account_id);
create index account_profile_renewal on account_profile (tenant_id, renewal_day, account_id);
create index account_profile_owner on account_profile (tenant_id, owner_id, account_id) where owner_id is not null;
create index account_profile_parent on account_profile (tenant_id, parent_id, account_id) where parent_id is not null;
create index account_profile_traits on account_profile using gin (tenant_id, traits jsonb_path_ops);
create index account_profile_search on account_profile using gin (tenant_id, search gin_trgm_ops);

-- Up to which flush of each partition the list has followed.
create table account_list_head (
  partition integer primary key,
  position bigint not null
) with (fillfactor = 50);

-- Onboardings that ended by their gates, which says how long comparable accounts take. Recent ones are read, by the index alone.
create table onboarding_completion (
  tenant_id text not null,
  account_id text not null,
  journey_id text not null,
  started_at timestamptz not null,
  completed_at timestamptz not null,
  days double precision not null,
  primary key (tenant_id, account_id, journey_id, started_at),
  foreign key (tenant_id, account_id) references account on delete cascade
);
create index onboarding_completion_recent on onboarding_completion (tenant_id, journey_id, completed_at) include (days);
