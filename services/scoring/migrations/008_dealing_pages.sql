-- Up Migration

-- Tickets, invoices and answers were in one row an account; states that need it are folded again from the log.
delete from account_users where page < 0;
