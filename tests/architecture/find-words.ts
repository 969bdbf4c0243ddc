import type { SourceFile } from './source-files.ts'
import { codeOf } from './source-files.ts'
import { PUBLIC_NAMES, REPLACED_WORDS } from './words.ts'

/**
 * The code without template texts: SQL and messages are no identifiers, what stands in `${}` is.
 */
const withoutTemplates = (code: string): string =>
  code.replace(/`(?:[^`\\]|\\.)*`/g, (template) =>
    [...template.matchAll(/\$\{([^}]*)\}/g)].map((match) => match[1]).join(' '),
  )

/** A pattern matches texts of others. */
const withoutPatterns = (code: string): string =>
  code.replace(/(?<=[=(,:[]\s*)\/(?![/*])(?:[^/\\\n]|\\.)+\/[a-z]*/g, '0')

const wordsOf = (name: string): readonly string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)

const isReplaced = (name: string): boolean => wordsOf(name).some((word) => Object.hasOwn(REPLACED_WORDS, word))

/** Identifiers and path segments that bear a word of the list and are no public names. */
export const findReplacedWords = ({ path, text }: SourceFile): readonly string[] => {
  const identifiers = new Set(withoutPatterns(withoutTemplates(codeOf(text))).match(/[A-Za-z_$][\w$]*/g))
  return [...path.split('/'), ...identifiers]
    .filter((name) => isReplaced(name) && !PUBLIC_NAMES.has(name))
    .map((name) => `${path}: ${name}`)
}
