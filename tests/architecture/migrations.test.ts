import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { SCHEMA_FOLDERS, schemaFiles } from '../schema/schema-files.ts'
import { createTestDatabase } from '../support/postgres/postgres.ts'

const root = new URL('../..', import.meta.url).pathname

/**
 * Both were released under one number. Databases keep the names of the migrations they ran, so
 * neither is renamed.
 */
const RELEASED_PAIR = ['007_backfills.sql', '007_user_pages.sql']

test.each(Object.values(SCHEMA_FOLDERS))('migrations of %s have numbers of their own, without gaps', (folder) => {
  const names = readdirSync(join(root, folder, 'migrations')).sort()
  const numbers = names.filter((name) => name !== RELEASED_PAIR[1]).map((name) => Number(name.slice(0, 3)))
  expect(numbers).toEqual(numbers.map((_, index) => index + 1))
})

test('each schema.sql is what the migrations leave', async () => {
  const { connectionString, drop } = await createTestDatabase()
  onTestFinished(drop)
  for (const { path, text } of await schemaFiles(connectionString))
    expect(readFileSync(path, 'utf8'), `${path}: run npm run generate`).toBe(text)
})
