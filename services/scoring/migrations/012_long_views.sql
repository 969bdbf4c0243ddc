-- Up Migration

-- The timeline pages by index: entries with the newest event first. An entry whose earliest event
-- is later than what is asked for is passed over; null (written before this column): unknown.
alter table account_log add column first_occurred_at timestamptz;
create index account_log_timeline on account_log (tenant_id, account_id, last_occurred_at, version, first_occurred_at)
  where last_occurred_at is not null;

-- A random order of a tenant's accounts, the same in every read: for samples read in parts.
create index account_shuffled on account (tenant_id, hashtextextended(account_id, 0), account_id);
