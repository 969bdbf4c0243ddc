-- Up Migration

-- Which layout all stored states have; null: it is not known. `listed` is a layout for which
-- scoring.former_state lists every account whose state has another one.
create table scoring.state_layout (
  only_row boolean primary key default true check (only_row),
  layout int,
  listed int
);
insert into scoring.state_layout default values;

-- Accounts to convert or to fold anew before scoring counts events. `partition` is where the newest
-- entry of the account's log lies: accounts of one partition share frames, and are folded together.
create table scoring.former_state (
  tenant_id text not null,
  account_id text not null,
  partition int not null,
  primary key (partition, tenant_id, account_id)
);
create index former_state_account on scoring.former_state (tenant_id, account_id);
