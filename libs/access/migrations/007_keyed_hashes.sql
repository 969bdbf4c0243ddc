-- Up Migration

-- The key of the hashes that stand for erased accounts and users, sealed with PULSO_ENCRYPTION_KEY:
-- without it a list of likely ids would tell who was erased.
create table access.tombstone_key (
  only_row boolean primary key default true check (only_row),
  sealed bytea not null
);

-- As before, with the keyed hash of the account. A schema whose `forget_account` writes no hash, or
-- is of a former release, is asked without it.
create function access.erase_account(tenant text, account text, last_sequence bigint, hash bytea)
returns void language plpgsql as $$
declare
  of_schema text;
  takes_hash boolean;
begin
  for of_schema, takes_hash in
    select n.nspname, bool_or(p.pronargs = 4) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.proname = 'forget_account' group by n.nspname order by n.nspname
  loop
    if takes_hash then
      execute format('select %I.forget_account($1, $2, $3, $4)', of_schema) using tenant, account, last_sequence, hash;
    else
      execute format('select %I.forget_account($1, $2, $3)', of_schema) using tenant, account, last_sequence;
    end if;
  end loop;
end $$;

-- The release before calls it: each schema once, though some offer two functions now.
create or replace function access.erase_account(tenant text, account text, last_sequence bigint)
returns void language plpgsql as $$
declare
  of_schema text;
begin
  for of_schema in
    select n.nspname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.proname = 'forget_account' and p.pronargs = 3 order by n.nspname
  loop
    execute format('select %I.forget_account($1, $2, $3)', of_schema) using tenant, account, last_sequence;
  end loop;
end $$;

-- Rows that an erasure by a former release left under the hash without a key are renamed too.
create function access.forget_account(tenant text, account text, last_sequence bigint, hash bytea)
returns void language plpgsql as $$
begin
  update access.audit set subject = 'hmac:' || encode(hash, 'hex'), detail = '{}'
   where tenant_id = tenant
     and subject = any(array[account, 'sha256:' || encode(access.account_hash(tenant, account), 'hex')])
     and split_part(action, '.', 1) in ('account', 'user', 'override', 'journey');
  update access.audit set detail = detail #- '{matcher,accountId}'
   where tenant_id = tenant and detail -> 'matcher' ->> 'accountId' = account;
end $$;
