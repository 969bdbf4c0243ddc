import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { FACT_NAMES } from '#libs/contracts/facts.ts'
import { readRuleDocument, ruleDocumentSchema } from '../../services/alerting/rules/rule-document.ts'
import { createAlertingServer } from '../support/alerting/alerting-server.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { createAlertingDatabase } from '../support/postgres/alerting-database.ts'

const docs = readFileSync(new URL('../../docs/rules.md', import.meta.url), 'utf8')
const blocksOf = (language: string): string[] =>
  [...docs.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1]!)
const tableAfter = (title: string): string[] => docs.slice(docs.indexOf(title)).split('\n\n')[0]!.split('\n').slice(2)
const namesIn = (text: string): string[] => [...text.matchAll(/`(\w+)`/g)].map((match) => match[1]!)

test('the examples are rules that can be previewed and created, and the answer has what is shown', async () => {
  const { database, drop } = await createAlertingDatabase()
  const server = await createAlertingServer(database, createManualClock(1_800_000_000_000))
  const shown = Object.keys(JSON.parse(blocksOf('json')[0]!))
  const examples = blocksOf('yaml')
  expect(examples.length).toBeGreaterThan(1)
  for (const example of examples) {
    const preview = await server.call('POST', '/v1/rules/preview', example)
    expect([preview.status, Object.keys(preview.body)]).toEqual([200, expect.arrayContaining(shown)])
    expect((await server.call('POST', '/v1/rules', example)).status).toBe(201)
  }
  await server.app.close()
  await drop()
})

test('the documented members are those of a rule, with their defaults', () => {
  const rows = tableAfter('| member | default | |').map((row) => row.split(' | '))
  expect(rows.flatMap(([members]) => namesIn(members!)).sort()).toEqual(Object.keys(ruleDocumentSchema.shape).sort())
  const defaults: Readonly<Record<string, unknown>> = ruleDocumentSchema.parse({
    id: 'a',
    severity: 'info',
    when: null,
  })
  for (const [members, given] of rows)
    for (const member of namesIn(members!))
      if (/^`.*`$/.test(given!) && member !== 'recovers')
        expect([member, given]).toEqual([member, `\`${defaults[member]}\``])
})

test('the documented conditions can be read, and every fact is documented', () => {
  const conditions = tableAfter('| | true when |').flatMap((row) =>
    [...row.split(' | ')[0]!.matchAll(/`(.*?)`/g)].map((match) => match[1]!.replace('…', '{ fact: score, op: known }')),
  )
  expect(conditions.length).toBe(10)
  for (const condition of conditions) {
    const read = readRuleDocument({ id: 'tried', severity: 'info', when: parse(condition) })
    expect([condition, read.ok ? [] : read.errors]).toEqual([condition, []])
  }
  const told = docs.slice(docs.indexOf('The facts, published'), docs.indexOf('```yaml\nid: seats'))
  expect(namesIn(told).sort()).toEqual(FACT_NAMES.sort())
})
