import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

export type SourceFile = { readonly path: string; readonly text: string }

const SKIPPED = new Set(['node_modules', '.git', '.pulso', 'coverage'])

/** Paths below `root`, with `/`, of everything that is not generated or downloaded. */
export const listFiles = (root: string, folder = root): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIPPED.has(entry.name)) return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? listFiles(root, path) : [relative(root, path)]
  })

export const readSources = (root: string): SourceFile[] =>
  listFiles(root)
    .filter((path) => path.endsWith('.ts'))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))

export type Import = { readonly specifier: string; readonly typeOnly: boolean }

const STATIC = /(?:^|\n)\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?['"]([^'"]+)['"]/g
const DYNAMIC = /\b(?:import|require)\(\s*['"]([^'"]+)['"]/g

export const importsOf = (text: string): Import[] => [
  ...[...text.matchAll(STATIC)].map((match) => ({ specifier: match[2]!, typeOnly: match[1] !== undefined })),
  ...[...text.matchAll(DYNAMIC)].map((match) => ({ specifier: match[1]!, typeOnly: false })),
]

/**
 * The code without comments and quoted text, so that prose about `Date.now()` is not taken for a
 * call.
 */
export const codeOf = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/[^\n]*/g, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''")
