-- Up Migration

-- An erasure finds what it deletes by an index: without one it reads the deliveries of all tenants.
create index delivery_account on alerting.delivery (tenant_id, account_id);
create index outbox_key on alerting.outbox (key);

-- Two queries, since "is not distinct from" uses no index. Only messages about several accounts at once are looked into for an account.
create or replace function alerting.delete_deliveries_naming(tenant text, about text, named text) returns void language plpgsql as $$
declare
  json_text bytea := convert_to(to_json(named)::text, 'UTF8');
  chosen uuid[];
  messages uuid[];
begin
  if about is null then
    select array_agg(d.delivery_id order by d.delivery_id), array_agg(distinct d.message_id) into chosen, messages
      from alerting.delivery d join alerting.webhook_message m using (message_id)
     where d.tenant_id = tenant and d.account_id is null and position(json_text in m.body) > 0;
  else
    select array_agg(d.delivery_id order by d.delivery_id), array_agg(distinct d.message_id) into chosen, messages
      from alerting.delivery d join alerting.webhook_message m using (message_id)
     where d.tenant_id = tenant and d.account_id = about and position(json_text in m.body) > 0;
  end if;
  perform 1 from alerting.delivery where delivery_id = any(chosen) order by delivery_id for update;
  delete from alerting.delivery where delivery_id = any(chosen);
  delete from alerting.webhook_message m
   where m.message_id = any(messages) and not exists (select from alerting.delivery d where d.message_id = m.message_id);
end $$;
