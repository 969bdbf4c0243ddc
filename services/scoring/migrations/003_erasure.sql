-- Up Migration

-- Keeps an erased account from coming back by a replay of the log: nothing that happened or was received by `erased_at` counts again.
create table scoring.erased_account (
  tenant_id text not null,
  account_hash bytea not null,
  erased_at timestamptz not null,
  -- Where an account that begins anew under the same id goes on: readers drop what is not newer than the sequence they know.
  version bigint not null,
  sequence bigint not null,
  primary key (tenant_id, account_hash)
);

-- The same for one user of an account; it goes with the account.
create table scoring.erased_user (
  tenant_id text not null,
  account_id text not null,
  user_hash bytea not null,
  erased_at timestamptz not null,
  primary key (tenant_id, account_id, user_hash)
);

-- A scorer that read an account before it was erased must not write it as new afterwards. As a trigger it sees what was committed
-- while the statement waited.
create function scoring.assert_not_erased() returns trigger language plpgsql as $$
begin
  if exists (
    select from born b join scoring.erased_account e
      on e.tenant_id = b.tenant_id and e.account_hash = access.account_hash(b.tenant_id, b.account_id)
    where b.version <= e.version) then
    raise exception 'an account was erased since it was read' using errcode = 'PU409';
  end if;
  return null;
end $$;
create trigger account_not_erased after insert on scoring.account
  referencing new table as born for each statement execute function scoring.assert_not_erased();

create function scoring.forget_account(tenant text, account text, last_sequence bigint) returns void language plpgsql as $$
begin
  -- How far a pass over the accounts has come: it begins again.
  update scoring.reevaluation set after_account_id = null where tenant_id = tenant and after_account_id = account;
  perform access.delete_account_rows('scoring', tenant, account);
end $$;
