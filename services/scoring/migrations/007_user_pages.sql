-- Up Migration

-- A page of users is written whole, often: packing it each time costs more than it saves.
alter table account_users set (toast_tuple_target = 8128);
