-- Up Migration

-- As before, with the hash that stands for the account. A tombstone that a former release left under
-- the hash without a key becomes part of the new one.
create function alerting.forget_account(tenant text, account text, last_sequence bigint, hash bytea)
returns void language plpgsql as $$
declare
  kept jsonb;
  messages uuid[];
begin
  -- Waits for whoever judges the account now, also if for the first time.
  insert into alerting.account (tenant_id, account_id) values (tenant, account) on conflict do nothing;
  select a.states into kept from alerting.account a where a.tenant_id = tenant and a.account_id = account for update;
  with former as (
    delete from alerting.erased_account e
     where e.tenant_id = tenant and e.account_hash = access.account_hash(tenant, account) and e.account_hash <> hash
    returning e.sequence, e.states
  ), ended as (
    select coalesce(jsonb_object_agg(rule, jsonb_build_object('v', '', 'episode', state -> 'episode')), '{}') as states
      from jsonb_each(kept) as k(rule, state) where state ? 'episode'
  )
  insert into alerting.erased_account as e (tenant_id, account_hash, sequence, states)
  select tenant, hash, greatest(last_sequence, f.sequence), coalesce(f.states, '{}') || n.states
    from ended n left join former f on true
  on conflict (tenant_id, account_hash) do update
    set sequence = greatest(e.sequence, excluded.sequence), states = e.states || excluded.states;

  perform delivery_id from alerting.delivery where tenant_id = tenant and account_id = account order by delivery_id for update;
  with gone as (delete from alerting.delivery where tenant_id = tenant and account_id = account returning message_id)
  select array_agg(distinct message_id) into messages from gone;
  delete from alerting.webhook_message m
   where m.message_id = any(messages) and not exists (select from alerting.delivery d where d.message_id = m.message_id);
  perform alerting.delete_deliveries_naming(tenant, null, account);

  delete from alerting.outbox o where o.key = tenant || ':' || account;
  delete from alerting.silence s where s.tenant_id = tenant and s.matcher ->> 'accountId' = account;
  perform access.delete_account_rows('alerting', tenant, account);
end $$;

-- The release before calls it.
create or replace function alerting.forget_account(tenant text, account text, last_sequence bigint)
returns void language plpgsql as $$
begin
  perform alerting.forget_account(tenant, account, last_sequence, access.account_hash(tenant, account));
end $$;
