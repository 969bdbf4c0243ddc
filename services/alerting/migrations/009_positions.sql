-- Up Migration

-- The offset of the first record of account.health that is not evaluated here, by partition.
create table alerting.log_position (
  partition int primary key,
  next_offset bigint not null
);
