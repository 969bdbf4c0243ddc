-- Up Migration

-- Changes of an erased account may still be on their way, or be read again: one at or below `sequence` is old news.
create table alerting.erased_account (
  tenant_id text not null,
  account_hash bytea not null,
  sequence bigint not null,
  -- How many episodes each rule had, as `account.states` says it: an account that begins anew repeats no id of an alert or a webhook.
  states jsonb not null,
  primary key (tenant_id, account_hash)
);

create function alerting.forget_account(tenant text, account text, last_sequence bigint) returns void language plpgsql as $$
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

  delete from alerting.outbox o where o.key = tenant || ':' || account;
  delete from alerting.silence s where s.tenant_id = tenant and s.matcher ->> 'accountId' = account;
  perform access.delete_account_rows('alerting', tenant, account);
end $$;
