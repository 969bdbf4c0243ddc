import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

export type ModelDocument = {
  id: string
  version?: number
  name: string
  segment?: object
  coreFeatures: string[]
  bands: { insufficientBelow: number }
  sources: Record<string, { groups: string[]; expectedIntervalHours: number }>
  facts: { advocateHealthyDays: number }
  groups: { name: string; weights: Record<string, number>; factors: { name: string; curve?: number[][] }[] }[]
}

/** The shipped model as a document of its own, without its number, changed at will. */
export const modelDocument = (change: (document: ModelDocument) => void = () => {}): ModelDocument => {
  const path = new URL('../../../services/scoring/models/default.yaml', import.meta.url)
  const document = parse(readFileSync(path, 'utf8')) as ModelDocument
  delete document.version
  change(document)
  return document
}

/**
 * It takes every day of the window to be fully active: a model by which active accounts score
 * otherwise.
 */
export const everyDay = (document: ModelDocument): void => {
  for (const group of document.groups)
    for (const factor of group.factors)
      if (factor.name === 'usage.active_days')
        factor.curve = [
          [0, 0],
          [28, 100],
        ]
}

/** A copy of the shipped model for accounts with that plan. */
export const segmentDocument = (id: string, plan: string, priority = 10): ModelDocument =>
  modelDocument((document) => {
    document.id = id
    document.segment = { priority, when: { trait: 'plan', op: '==', value: plan } }
    everyDay(document)
  })
