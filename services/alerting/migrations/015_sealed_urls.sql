-- Up Migration

-- The URL, sealed. Beside it, `url` holds what is shown of it, in a form that older code refuses to call. Null: `url` is the URL, as
-- older code writes it. The service seals what is plain, since the migration has no key.
alter table alerting.webhook_endpoint add column url_sealed bytea;

-- Null: no ping was answered yet, and it gets tests only. What exists, and what older code adds, counts as verified.
alter table alerting.webhook_endpoint add column verified_at timestamptz default now();

-- Tests of endpoints that wait for their ping, found without reading the deliveries that wait there.
create index delivery_test on alerting.delivery (endpoint_id, next_attempt_at) where state = 'pending' and type = 'webhook.test';
