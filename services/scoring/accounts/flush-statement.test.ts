import { expect, test } from 'vitest'
import { FLUSH_STATEMENT } from './flush-statement.ts'

test('the statement of a flush is the SQL that was reviewed', async () => {
  await expect(FLUSH_STATEMENT).toMatchFileSnapshot('flush-statement.snapshot.sql')
})
