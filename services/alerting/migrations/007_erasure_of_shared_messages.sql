-- Up Migration

-- Deletes deliveries of a tenant's messages whose body names something as a whole JSON text, with the messages that nobody else needs:
-- those about one account, or (null) those about several at once, such as a digest.
create function alerting.delete_deliveries_naming(tenant text, about text, named text) returns void language plpgsql as $$
declare
  json_text bytea := convert_to(to_json(named)::text, 'UTF8');
  chosen uuid[];
  messages uuid[];
begin
  select array_agg(d.delivery_id order by d.delivery_id), array_agg(distinct d.message_id) into chosen, messages
    from alerting.delivery d join alerting.webhook_message m using (message_id)
   where d.tenant_id = tenant and d.account_id is not distinct from about and position(json_text in m.body) > 0;
  perform 1 from alerting.delivery where delivery_id = any(chosen) order by delivery_id for update;
  delete from alerting.delivery where delivery_id = any(chosen);
  delete from alerting.webhook_message m
   where m.message_id = any(messages) and not exists (select from alerting.delivery d where d.message_id = m.message_id);
end $$;

create or replace function alerting.forget_user(tenant text, account text, user_id text, kept jsonb) returns void language plpgsql as $$
begin
  perform 1 from alerting.account a where a.tenant_id = tenant and a.account_id = account for update;
  perform alerting.forget_traits(tenant, account, kept);
  perform alerting.delete_deliveries_naming(tenant, account, user_id);
end $$;

create or replace function alerting.forget_account(tenant text, account text, last_sequence bigint) returns void language plpgsql as $$
declare
  key bytea := access.account_hash(tenant, account);
  kept jsonb;
  messages uuid[];
begin
  -- Waits for whoever judges the account now, also if for the first time.
  insert into alerting.account (tenant_id, account_id) values (tenant, account) on conflict do nothing;
  select a.states into kept from alerting.account a where a.tenant_id = tenant and a.account_id = account for update;
  insert into alerting.erased_account as e (tenant_id, account_hash, sequence, states)
  select tenant, key, last_sequence, coalesce(jsonb_object_agg(rule, jsonb_build_object('v', '', 'episode', state -> 'episode')), '{}')
    from jsonb_each(kept) as k(rule, state) where state ? 'episode'
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
