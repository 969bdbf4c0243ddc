-- Up Migration

-- The offset of the first record of source.activity that is not evaluated here, by partition.
create table alerting.activity_position (
  partition int primary key,
  next_offset bigint not null
);

-- Raised when the database has gone back, so that no two alerts about no account have one id.
create table alerting.epoch (
  only_row boolean primary key default true check (only_row),
  value int not null default 0,
  raised_at timestamptz
);
insert into alerting.epoch default values;
