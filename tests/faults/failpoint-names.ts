import { readdirSync, readFileSync } from 'node:fs'

const root = new URL('../..', import.meta.url).pathname

/** The failpoints of the product, as they stand in its source, that match. */
export const namesOfFailpoints = (matching: RegExp): readonly string[] => {
  const names = new Set<string>()
  for (const room of ['libs', 'services'])
    for (const file of readdirSync(`${root}${room}`, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue
      const source = readFileSync(`${root}${room}/${file}`, 'utf8')
      for (const [, name] of source.matchAll(/\bfailpoint\('([a-z_.]+)'\)/g)) names.add(name!)
    }
  return [...names].filter((name) => matching.test(name)).sort()
}
