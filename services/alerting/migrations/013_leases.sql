-- Who does work that only one process may do at a time. A lease ends by itself, a lock of a
-- vanished process does not.
create table alerting.lease (
  name text primary key,
  token uuid not null,
  leased_until timestamptz not null
);
