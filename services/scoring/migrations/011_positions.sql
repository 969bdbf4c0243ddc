-- Up Migration

-- The offset of the first record of usage.events that is not durable here. Null: none was kept yet.
alter table scoring.partition_head add column next_offset bigint;

-- Raised when the database has gone back, so that no number is given to two changes.
create table scoring.epoch (
  only_row boolean primary key default true check (only_row),
  value int not null default 0,
  raised_at timestamptz
);
insert into scoring.epoch default values;
