-- Up Migration

-- An erasure finds the audit rows that name an account by an index.
create index audit_by_subject on access.audit (tenant_id, subject);
create index audit_by_silenced_account on access.audit (tenant_id, (detail -> 'matcher' ->> 'accountId'))
  where (detail -> 'matcher' ->> 'accountId') is not null;
