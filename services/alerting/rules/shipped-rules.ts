import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Rule } from '../core/alert/rule.ts'
import { type RuleDocument, readRuleDocument } from './rule-document.ts'

export type ShippedRule = { readonly document: RuleDocument; readonly rule: Rule }

/** The rules of every tenant until it changes them. Throws for a document that is not valid. */
export const readShippedRules = (folder = join(import.meta.dirname, 'shipped')): ReadonlyMap<string, ShippedRule> => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'))
  return new Map(files.sort().map((file) => [file.slice(0, -'.yaml'.length), readShippedRule(join(folder, file))]))
}

const readShippedRule = (file: string): ShippedRule => {
  const read = readRuleDocument(parse(readFileSync(file, 'utf8')))
  if (!read.ok) throw new Error(`${file}: ${read.errors.map((e) => `${e.pointer} ${e.detail}`).join('; ')}`)
  if (!file.endsWith(`/${read.rule.id}.yaml`))
    throw new Error(`${file}: is named otherwise than its rule ${read.rule.id}`)
  return read
}
