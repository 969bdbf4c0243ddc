-- Up Migration

-- Takes one user of an account out of every schema that offers a function `forget_user`, in the caller's transaction. `kept` are the
-- account's traits without what the user's events had brought.
create function access.erase_user(tenant text, account text, user_id text, kept jsonb) returns void language plpgsql as $$
declare
  of_schema text;
begin
  for of_schema in
    select n.nspname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where p.proname = 'forget_user' order by n.nspname
  loop
    execute format('select %I.forget_user($1, $2, $3, $4)', of_schema) using tenant, account, user_id, kept;
  end loop;
end $$;
