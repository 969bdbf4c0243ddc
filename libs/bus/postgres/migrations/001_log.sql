create table bus.topics (
  id smallint generated always as identity primary key,
  name text not null unique,
  partitions int not null check (partitions > 0)
);

-- One row per partition, updated by every append: small and loose, so that the updates stay on its page.
create table bus.partitions (
  topic_id smallint not null references bus.topics on delete cascade,
  partition int not null,
  next_offset bigint not null default 0,
  primary key (topic_id, partition)
) with (fillfactor = 10);

-- What was published together to one partition, encoded and compressed by the client: one row, not one per record.
create table bus.chunks (
  topic_id smallint not null references bus.topics on delete cascade,
  partition int not null,
  last_offset bigint not null,
  record_count int not null,
  raw_bytes int not null,
  created_at timestamptz not null default now(),
  body bytea not null,
  primary key (topic_id, partition, last_offset)
);
alter table bus.chunks alter column body set storage external;

create table bus.members (
  consumer_group text not null,
  topic_id smallint not null references bus.topics on delete cascade,
  member uuid not null,
  expires_at timestamptz not null,
  primary key (consumer_group, topic_id, member)
);

-- Where each group is, and which member may read: a lease whose epoch grows with every new holder.
create table bus.readers (
  consumer_group text not null,
  topic_id smallint not null references bus.topics on delete cascade,
  partition int not null,
  position bigint not null,
  member uuid,
  epoch bigint not null default 0,
  expires_at timestamptz not null default now(),
  primary key (consumer_group, topic_id, partition)
) with (fillfactor = 10);

create function bus.lease_length() returns interval language sql immutable as $$ select interval '8 seconds' $$;

-- A lease from before the server's start is over: its holder lost its connection, and in one process with the server its life.
create function bus.is_live(expires_at timestamptz) returns boolean language sql stable as $$
  select expires_at > clock_timestamp() and expires_at - bus.lease_length() > pg_postmaster_start_time()
$$;

-- Appends one chunk to each of the named partitions, which are sorted so that two callers never wait for each other in a circle.
-- The row of a partition stays locked until the commit: so its offsets become visible in their order, without gaps.
create function bus.append(topic text, partitions int[], counts int[], raw_sizes int[], sizes int[], bodies bytea)
returns void language plpgsql as $$
declare
  wanted smallint;
  reached bigint;
  start int := 1;
begin
  select id into wanted from bus.topics where name = topic;
  for i in 1 .. cardinality(partitions) loop
    update bus.partitions p set next_offset = p.next_offset + counts[i]
      where p.topic_id = wanted and p.partition = partitions[i]
      returning p.next_offset into reached;
    if not found then
      raise exception 'no partition % of topic %', partitions[i], topic;
    end if;
    insert into bus.chunks (topic_id, partition, last_offset, record_count, raw_bytes, body)
      values (wanted, partitions[i], reached - 1, counts[i], raw_sizes[i], substring(bodies from start for sizes[i]));
    start := start + sizes[i];
  end loop;
  perform pg_notify('bus', 'records ' || topic || ' ' || array_to_string(partitions, ','));
end
$$;
