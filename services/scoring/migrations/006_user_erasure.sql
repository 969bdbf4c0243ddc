-- Up Migration

-- The list follows the account within a second: until then it does without it.
create function scoring.forget_user(tenant text, account text, user_id text, kept jsonb) returns void language plpgsql as $$
begin
  delete from scoring.account_list where tenant_id = tenant and account_id = account;
  delete from scoring.account_profile where tenant_id = tenant and account_id = account;
  delete from scoring.onboarding_completion where tenant_id = tenant and account_id = account and journey_id = user_id;
end $$;
