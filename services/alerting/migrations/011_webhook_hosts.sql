-- Up Migration

-- Scheme, host and port of the URL: endpoints at one host share its calls.
alter table alerting.webhook_endpoint add column origin text not null default '';
update alerting.webhook_endpoint set origin = coalesce(lower(substring(url from '^[^/?#]*//[^/?#]+')), '');
