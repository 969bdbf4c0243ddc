import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateFiles } from './generated-files.ts'
import { validateDocument } from './validate-document.ts'

const FOLDER = new URL('../../openapi', import.meta.url).pathname
const isCheck = process.argv.includes('--check')

/** Writes the API documents; with `--check`, fails and lists the stale or invalid ones. */
const problems: string[] = []
for (const file of await generateFiles()) {
  problems.push(...(await validateDocument(file)))
  const path = join(FOLDER, file.name)
  if (!isCheck) await writeFile(path, file.text)
  else if ((await readFile(path, 'utf8').catch(() => '')) !== file.text)
    problems.push(`${file.name}: stale, run npm run generate`)
}
for (const problem of problems) process.stderr.write(`${problem}\n`)
if (problems.length > 0) process.exitCode = 1
else process.stdout.write(isCheck ? 'API documents are valid and up to date\n' : 'API documents written\n')
