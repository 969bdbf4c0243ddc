import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAlertingDatabase, type TestDatabase } from '../../../tests/support/postgres/alerting-database.ts'
import { addEndpoint } from '../../../tests/support/webhooks/deliveries.ts'

const OTHERS = 20_000
let test_: TestDatabase
beforeAll(async () => {
  test_ = await createAlertingDatabase()
  const { database } = test_
  await addEndpoint(database, 'https://example.com/hook')
  await database.query(
    `with endpoint as (select endpoint_id from alerting.webhook_endpoint limit 1),
     message as (
       insert into alerting.webhook_message (message_id, body)
       select gen_random_uuid(), convert_to('{"accountId":"other-' || i || '"}', 'UTF8')
         from generate_series(1, $1::int) i
       returning message_id, body)
     insert into alerting.delivery (delivery_id, tenant_id, endpoint_id, message_id, type, account_id, state,
                                    next_attempt_at, created_at, finished_at)
     select gen_random_uuid(), 'default', endpoint_id, message_id, 'alert.firing',
            convert_from(body, 'UTF8')::json ->> 'accountId', 'delivered', now(), now(), now()
       from message, endpoint`,
    [OTHERS],
  )
  await database.query(
    `insert into alerting.outbox (topic, key, value)
     select 'alert.events', 'default:other-' || i, '' from generate_series(1, $1::int) i`,
    [OTHERS],
  )
  await database.query(
    `insert into access.audit (tenant_id, key_id, actor, action, subject, detail)
     select 'default', 'key', 'ops', 'override.set', 'other-' || i, '{}' from generate_series(1, $1::int) i`,
    [OTHERS],
  )
  for (const table of ['alerting.delivery', 'alerting.webhook_message', 'alerting.outbox', 'access.audit'])
    await database.query(`analyze ${table}`)
}, 60_000)
afterAll(() => test_.drop())

test.each([
  ['an account', `select access.erase_account('default', 'other-7', 3)`],
  ['a user', `select access.erase_user('default', 'other-8', 'u-1', '{}')`],
])('the erasure of %s reads what is deleted, and not what others have', async (_name, erase) => {
  const read = await test_.database.transaction(async (tx) => {
    await tx.query(erase)
    return tx.query<{ table: string; rows: number }>(
      `select relname as table, seq_tup_read as rows from pg_stat_xact_user_tables
        where schemaname in ('alerting', 'access') and seq_tup_read > 1000`,
    )
  })
  expect(read).toEqual([])
  const left = await test_.database.query<{ n: number }>(
    `select count(*) as n from alerting.delivery where account_id in ('other-7', 'other-9')`,
  )
  expect(left).toEqual([{ n: 1 }])
})
