import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '#libs/postgres/database.ts'
import { migrate } from '#libs/postgres/migrate.ts'
import { createDatabase } from '#libs/postgres/pg-database.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { SCHEMA_FOLDERS } from '../schema/schema-files.ts'
import { createTestDatabase } from '../support/postgres/postgres.ts'

/**
 * How an erasure reaches the tables that do not name an account by the columns `tenant_id` and
 * `account_id`; null: they have nothing of an account. A new table without these columns must be
 * written down here.
 */
const OTHER_TABLES: Readonly<Record<string, string | null>> = {
  'access.api_key': null,
  'access.audit': 'access.forget_account: a hash replaces the id, the details are erased',
  'access.idempotent_answer': 'sealed, and deleted after 24 hours',
  'access.migrations': null,
  'access.tenant': null,
  'access.tombstone_key': null,
  'alerting.activity_position': null,
  'alerting.alert_transition': 'cascades from alerting.alert',
  'alerting.epoch': null,
  'alerting.erased_account': 'the tombstone: a hash',
  'alerting.lease': null,
  'alerting.migrations': null,
  'alerting.notice_group': 'the rule of alerting.grouped_notice: a group without notices is not sent',
  'alerting.notification_policy': null,
  'alerting.log_position': null,
  'alerting.outbox': 'alerting.forget_account, by the key',
  'alerting.rule': null,
  'alerting.silence': 'alerting.forget_account, by the matcher',
  'alerting.subject': null,
  'alerting.webhook_endpoint': null,
  'alerting.webhook_message': 'alerting.forget_account, by the deliveries and by the body',
  'alerting.webhook_secret': null,
  'bus.chunks': 'libs/bus/postgres/forget.ts, by the key of each record',
  'bus.members': null,
  'bus.migrations': null,
  'bus.partitions': null,
  'bus.readers': null,
  'bus.topics': null,
  'scoring.account_list_head': null,
  'scoring.backfill': null,
  'scoring.dead_letter_position': null,
  'scoring.epoch': null,
  'scoring.erased_account': 'the tombstone: a hash',
  'scoring.live_model': null,
  'scoring.log_frame': 'services/scoring/erasure/rewrite-frames.ts',
  'scoring.migrations': null,
  'scoring.model_version': null,
  'scoring.partition_head': null,
  'scoring.reevaluation': 'scoring.forget_account: the pass begins again',
  'scoring.revision': null,
  'scoring.source_activity': null,
  'scoring.source_silence': null,
  'scoring.state_layout': null,
}

type Column = { readonly table: string; readonly column: string; readonly filler: string | null }

let database: Database
let dropDatabase: () => Promise<void>
let columns: readonly Column[]
const tables = () => [...new Set(columns.map(({ table }) => table))]
const namesAccount = (table: string): boolean =>
  ['tenant_id', 'account_id'].every((name) => columns.some((one) => one.table === table && one.column === name))

beforeAll(async () => {
  const { connectionString, drop } = await createTestDatabase()
  dropDatabase = drop
  for (const [schema, folder] of Object.entries(SCHEMA_FOLDERS))
    await migrate({
      connectionString,
      schema,
      folder: join(import.meta.dirname, '../..', folder, 'migrations'),
      logger: silentLogger,
    })
  database = createDatabase({ connectionString, logger: silentLogger })
  await database.start()
  columns = await database.query<Column>(
    `select c.oid::regclass::text as table, a.attname as column,
       case when a.attname in ('tenant_id', 'account_id') then quote_literal(a.attname)
         when a.atthasdef or a.attidentity <> '' or not a.attnotnull then null
         when t.typcategory = 'E' then format('enum_first(null::%s)', a.atttypid::regtype)
         else format('%L::%s', case
           when t.typcategory = 'N' then '0' when t.typcategory = 'D' then 'now' when t.typcategory = 'B' then 'false'
           when t.typcategory = 'A' or t.typname in ('json', 'jsonb') then '{}'
           when t.typname = 'uuid' then gen_random_uuid()::text else '' end, a.atttypid::regtype) end as filler
     from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
     join pg_type t on t.oid = a.atttypid
     where n.nspname = any($1) and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
     order by 1, a.attnum`,
    [Object.keys(SCHEMA_FOLDERS)],
  )
})
afterAll(async () => {
  await database?.stop()
  await dropDatabase?.()
})

/**
 * One row of the account in each table: what else the row says does not matter, so nothing checks
 * it.
 */
const fill = async (table: string): Promise<void> => {
  const checks = await database.query<{ name: string }>(
    `select conname as name from pg_constraint where conrelid = $1::regclass and contype in ('c', 'f')`,
    [table],
  )
  for (const { name } of checks) await database.query(`alter table ${table} drop constraint ${name}`)
  const filled = columns.filter((one) => one.table === table && one.filler !== null)
  await database.query(
    `insert into ${table} (${filled.map(({ column }) => column).join(', ')})
     values (${filled.map(({ filler }) => filler).join(', ')})`,
  )
}

const tablesOfAccount = async (): Promise<string[]> => {
  const found: string[] = []
  for (const table of tables().filter(namesAccount)) {
    const rows = await database.query(
      `select from ${table} where tenant_id = 'tenant_id' and account_id = 'account_id'`,
    )
    if (rows.length > 0) found.push(table)
  }
  return found
}

test('an erasure reaches every table whose columns name an account', async () => {
  for (const table of tables().filter(namesAccount)) await fill(table)
  expect(await tablesOfAccount()).toEqual([
    'alerting.account',
    'alerting.account_facts',
    'alerting.alert',
    'alerting.delivery',
    'alerting.grouped_notice',
    'alerting.message_account',
    'scoring.account',
    'scoring.account_list',
    'scoring.account_log',
    'scoring.account_page',
    'scoring.account_profile',
    'scoring.account_snapshot',
    'scoring.backfill_account',
    'scoring.dead_letter',
    'scoring.erased_user',
    'scoring.former_state',
    'scoring.onboarding_completion',
  ])
  await database.query("select access.erase_account('tenant_id', 'account_id', 1)")
  expect(await tablesOfAccount()).toEqual([])
})

test('it is written down how an erasure reaches every other table', () => {
  expect(tables().filter((table) => !namesAccount(table))).toEqual(Object.keys(OTHER_TABLES).sort())
})
