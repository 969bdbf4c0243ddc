-- Up Migration

-- What names a tenant otherwise than by tenant_id: access.erase_tenant deletes the rest.
create function alerting.forget_tenant(tenant text) returns void language plpgsql as $$
begin
  with gone as (delete from alerting.delivery where tenant_id = tenant returning message_id)
  delete from alerting.webhook_message m using gone where m.message_id = gone.message_id;
  delete from alerting.outbox o where starts_with(o.key, tenant || ':');
end $$;
