-- Up Migration

-- The path and the query of a webhook are its secret: the audit log shows them no more.
update access.audit
   set detail = jsonb_set(detail, '{url}', to_jsonb(
         origin || case when rest in ('', '/') then '/'
                        else '/…' || case when length(rest) >= 12 then right(rest, 3) else '' end end))
  from (select id as audit_id, substring(detail ->> 'url' from '^[^/?#]*//[^/?#]+') as origin,
               substring(detail ->> 'url' from '^[^/?#]*//[^/?#]+([^#]*)') as rest
          from access.audit where action like 'webhook\_endpoint.%' and detail ? 'url') hidden
 where id = audit_id and origin is not null and strpos(detail ->> 'url', '/…') = 0;
