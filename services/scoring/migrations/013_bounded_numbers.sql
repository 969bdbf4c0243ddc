-- Up Migration

-- Money beyond 1e15 is refused now. What was accepted before reads as unknown, so that no list and no
-- sum fails because of it.
update scoring.account set mrr = null where not (abs(mrr) <= 1e15);
update scoring.account_profile set mrr = null where not (abs(mrr) <= 1e15);
