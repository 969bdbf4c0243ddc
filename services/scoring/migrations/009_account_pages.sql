-- Up Migration

-- An account's users and its interactions (tickets, invoices, answers) lie in pages: an event
-- writes only the pages it touches. The sign of the page number told the two kinds apart; a column
-- does now.
create type page_kind as enum ('users', 'interactions');
alter table account_users rename to account_page;
alter table account_page rename column users to bytes;
alter table account_page add column kind page_kind not null default 'users';
alter table account_page alter column kind drop default;
alter table account_page drop constraint account_users_pkey;
update account_page set kind = 'interactions', page = -1 - page where page < 0;
alter table account_page add primary key (tenant_id, account_id, kind, page);
