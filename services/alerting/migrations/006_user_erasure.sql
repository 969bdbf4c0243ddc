-- Up Migration

create function alerting.kept_traits(traits jsonb, kept jsonb) returns jsonb language sql immutable as $$
  select coalesce(jsonb_object_agg(name, value), '{}') from jsonb_each(traits) as t(name, value) where kept -> name = value
$$;

-- Takes the traits out that are not among those an account has kept: of what was last seen of it, and of the record for previews, in
-- whose changes (an instant, then positions and values) position 1 is the traits'.
create function alerting.forget_traits(tenant text, account text, kept jsonb) returns void language plpgsql as $$
begin
  update alerting.account a set seen = jsonb_set(a.seen, '{traits}', alerting.kept_traits(a.seen -> 'traits', kept))
   where a.tenant_id = tenant and a.account_id = account and a.seen is not null;
  update alerting.account_facts f set changes = (
    select json_agg((
      select jsonb_agg(
        case when place > 1 and place % 2 = 1 and change -> (place - 2)::int = '1'
          then alerting.kept_traits(part, kept) else part end order by place)
      from jsonb_array_elements(change) with ordinality as p(part, place)) order by number)
    from jsonb_array_elements(f.changes::jsonb) with ordinality as c(change, number))
  where f.tenant_id = tenant and f.account_id = account;
end $$;

-- Bodies that name the user go with their deliveries.
create function alerting.forget_user(tenant text, account text, user_id text, kept jsonb) returns void language plpgsql as $$
declare
  named bytea := convert_to(to_json(user_id)::text, 'UTF8');
  messages uuid[];
begin
  perform 1 from alerting.account a where a.tenant_id = tenant and a.account_id = account for update;
  perform alerting.forget_traits(tenant, account, kept);
  perform 1 from alerting.delivery where tenant_id = tenant and account_id = account order by delivery_id for update;
  with gone as (
    delete from alerting.delivery d using alerting.webhook_message m
     where d.tenant_id = tenant and d.account_id = account and m.message_id = d.message_id and position(named in m.body) > 0
    returning d.message_id)
  select array_agg(distinct message_id) into messages from gone;
  delete from alerting.webhook_message m
   where m.message_id = any(messages) and not exists (select from alerting.delivery d where d.message_id = m.message_id);
end $$;
