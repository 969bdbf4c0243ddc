-- Up Migration

-- A deleted tenant keeps its row for ever, so that its id is never given again.
alter table access.tenant
  add column state text not null default 'active' check (state in ('active', 'suspended', 'deleted')),
  add column state_at timestamptz,
  add column erased_at timestamptz;

-- To the minute.
alter table access.api_key add column last_used_at timestamptz;

-- What is kept of a tenant is found by the name of a column. A table that others refer to is emptied
-- after them: what a reference holds back is tried again in the next pass.
create function access.delete_tenant_rows(tenant text) returns void language plpgsql as $$
declare
  holder regclass;
  held boolean := true;
begin
  for pass in 1 .. 5 loop
    exit when not held;
    held := false;
    for holder in
      select c.oid from pg_class c
      where c.relkind in ('r', 'p') and not c.relispartition
        and c.relnamespace = any(array(select n.oid from pg_namespace n
          where n.nspname in ('access', 'alerting', 'scoring')))
        and exists (select from pg_attribute a
          where a.attrelid = c.oid and not a.attisdropped and a.attname = 'tenant_id')
      order by c.relname
    loop
      begin
        execute format('delete from %s where tenant_id = $1', holder) using tenant;
      exception when foreign_key_violation then
        held := true;
      end;
    end loop;
  end loop;
  if held then
    raise exception 'rows of a tenant are referred to by rows without a tenant';
  end if;
end $$;

-- Takes a tenant out of every schema. A schema that keeps something of a tenant under another name
-- than tenant_id offers a function `forget_tenant`.
create function access.erase_tenant(tenant text) returns void language plpgsql as $$
declare
  of_schema text;
begin
  for of_schema in
    select n.nspname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.proname = 'forget_tenant' order by n.nspname
  loop
    execute format('select %I.forget_tenant($1)', of_schema) using tenant;
  end loop;
  perform access.delete_tenant_rows(tenant);
  update access.tenant t set name = '', erased_at = now() where t.id = $1;
end $$;
