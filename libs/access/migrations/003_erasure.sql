-- Up Migration

-- Stands for an erased account where its id must not: in tombstones and in the audit log.
create function access.account_hash(tenant text, account text) returns bytea language sql immutable parallel safe as $$
  select sha256(convert_to(tenant || ':' || account, 'UTF8'))
$$;

-- What a schema keeps of an account is found by the names of columns: every row whose tenant_id and account_id name it is deleted.
create function access.delete_account_rows(of_schema text, tenant text, account text) returns void language plpgsql as $$
declare
  holder regclass;
begin
  for holder in
    select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = of_schema and c.relkind in ('r', 'p') and not c.relispartition
      and 2 = (select count(*) from pg_attribute a
               where a.attrelid = c.oid and not a.attisdropped and a.attname in ('tenant_id', 'account_id'))
    order by c.relname
  loop
    execute format('delete from %s where tenant_id = $1 and account_id = $2', holder) using tenant, account;
  end loop;
end $$;

-- Takes an account out of every schema within the caller's transaction, so that nothing of it is left when its erasure is answered,
-- whichever services run where. A schema that keeps something of accounts offers a function `forget_account`.
create function access.erase_account(tenant text, account text, last_sequence bigint) returns void language plpgsql as $$
declare
  of_schema text;
begin
  for of_schema in
    select n.nspname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.proname = 'forget_account' order by n.nspname
  loop
    execute format('select %I.forget_account($1, $2, $3)', of_schema) using tenant, account, last_sequence;
  end loop;
end $$;

-- Who did what and when stays; which account it was is left to those who know its id and can hash it.
create function access.forget_account(tenant text, account text, last_sequence bigint) returns void language plpgsql as $$
begin
  update access.audit
     set subject = 'sha256:' || encode(access.account_hash(tenant, account), 'hex'), detail = '{}'
   where tenant_id = tenant and subject = account
     and split_part(action, '.', 1) in ('account', 'user', 'override', 'journey');
  update access.audit set detail = detail #- '{matcher,accountId}'
   where tenant_id = tenant and detail -> 'matcher' ->> 'accountId' = account;
end $$;
