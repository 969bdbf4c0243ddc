-- Up Migration

-- An account as it stood when it was first written in a calendar month: views of the past begin at
-- the newest copy that has no event after their instant.
create table account_snapshot (
  tenant_id text not null,
  account_id text not null,
  version bigint not null,
  -- Of all that the copy has counted, or holds for later.
  last_occurred_at timestamptz,
  model_id text not null,
  model_version integer not null,
  user_page_bits smallint not null,
  state bytea not null,
  pages bytea,
  primary key (tenant_id, account_id, version)
);
alter table account_snapshot alter column state set storage main;

-- All pages of an account, one behind the other: kind (0 users, 1 interactions), number, length, bytes.
create function pages_of(tenant text, account text) returns bytea language sql stable as $$
  select string_agg(case kind when 'users' then '\x00'::bytea else '\x01'::bytea end
    || int4send(page) || int4send(length(bytes)) || bytes, ''::bytea)
  from scoring.account_page where tenant_id = tenant and account_id = account
$$;

-- The instant of the latest event that the account has in the log.
create function last_occurred_at(tenant text, account text) returns timestamptz language sql stable as $$
  select max(last_occurred_at) from scoring.account_log where tenant_id = tenant and account_id = account
$$;
