-- What a request with an Idempotency-Key was answered, for 24 hours, written in the transaction of its change.
create table access.idempotent_answer (
  -- Derived from tenant, route and key.
  answer_id uuid primary key,
  tenant_id text not null,
  -- Of address and body: the same key with another request is a mistake.
  request_hash bytea not null,
  status smallint not null,
  -- The answer's bytes: they may show a secret, so they are sealed like one.
  sealed bytea not null,
  created_at timestamptz not null default now()
);
create index idempotent_answer_age on access.idempotent_answer (created_at);
