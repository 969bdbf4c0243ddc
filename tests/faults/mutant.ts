import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

const mutantSchema = z.strictObject({
  breaks: z.string().describe('The promise that it breaks'),
  /** Belongs to the short form. */
  few: z.boolean().default(false),
  /** `suite`: where the test stands, when `file` only runs it. */
  caughtBy: z.strictObject({ file: z.string(), suite: z.string().optional(), test: z.string() }),
  edits: z.array(z.strictObject({ file: z.string(), find: z.string().min(1), replace: z.string() })).min(1),
})

/** A fault that somebody could put into the source, and the test that must notice. */
export type Mutant = z.infer<typeof mutantSchema> & { readonly name: string }

const folder = join(import.meta.dirname, 'mutants')

export const readMutants = (): readonly Mutant[] =>
  readdirSync(folder)
    .sort()
    .map((file) => ({
      name: file.replace('.yaml', ''),
      ...mutantSchema.parse(parse(readFileSync(join(folder, file), 'utf8'))),
    }))

/** Why a mutant is no change of the source as it is: its text must stand there once. */
export const misfitsOf = ({ edits, caughtBy }: Mutant, root: string): readonly string[] => [
  ...edits.flatMap(({ file, find }) => {
    const times = readFileSync(join(root, file), 'utf8').split(find).length - 1
    return times === 1 ? [] : [`${file} has it ${times} times: ${find.trim()}`]
  }),
  ...(readFileSync(join(root, caughtBy.suite ?? caughtBy.file), 'utf8').includes(caughtBy.test)
    ? []
    : [`no test "${caughtBy.test}"`]),
]

/** Changes the source under `root`; the answer puts it back. */
export const plant = ({ edits }: Mutant, root: string): (() => void) => {
  const before = new Map<string, string>()
  for (const { file, find, replace } of edits) {
    const path = join(root, file)
    const source = readFileSync(path, 'utf8')
    if (!before.has(path)) before.set(path, source)
    writeFileSync(
      path,
      source.replace(find, () => replace),
    )
  }
  return () => {
    for (const [path, source] of before) writeFileSync(path, source)
  }
}
