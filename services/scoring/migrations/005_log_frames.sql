-- Up Migration

-- What is kept of the events and changes of a flush, many accounts in one packed frame: `account_log` says where an account's lie.
create table log_frame (
  partition integer not null,
  position bigint not null,
  frame integer not null,
  -- A codec byte (0 as it is, 1 zstd), then the bytes.
  bytes bytea not null,
  primary key (partition, position, frame)
);
alter table log_frame alter column bytes set storage external;

alter table account_log add column frame integer;
alter table account_log add column events_at integer;
alter table account_log add column events_length integer;
alter table account_log add column change_length integer;

-- What was written before: a frame of its own for each row.
with numbered as (
  select ctid as row_id, partition, position,
    row_number() over (partition by partition, position order by tenant_id, account_id, version) - 1 as frame
  from account_log
), framed as (
  update account_log l set frame = n.frame, events_at = 0, events_length = coalesce(length(l.events), 0),
    change_length = coalesce(length(l.change), 0)
  from numbered n where l.ctid = n.row_id
)
insert into log_frame (partition, position, frame, bytes)
select n.partition, n.position, n.frame, '\x00'::bytea || coalesce(l.events, '') || coalesce(l.change, '')
from numbered n join account_log l on l.ctid = n.row_id;

alter table account_log drop column events;
alter table account_log drop column change;
alter table account_log alter column frame set not null;
alter table account_log alter column events_at set not null;
alter table account_log alter column events_length set not null;
alter table account_log alter column change_length set not null;
