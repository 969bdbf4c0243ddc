import { readFileSync } from 'node:fs'
import { z } from 'zod'

/** Exit code of sysexits.h for "the configuration is wrong". */
export const EXIT_CONFIG = 78

/** All bad values of the environment, a line each. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

export type Environment = Readonly<Record<string, string | undefined>>

const FILE_SUFFIX = '_FILE'

/** Marks a setting that holds a secret: `<NAME>_FILE` may name a file with its value instead. */
export const secret = <Schema extends z.ZodType>(schema: Schema): Schema => schema.meta({ secret: true })

/** Names of the settings that hold secrets. */
export const secretNames = (schema: z.ZodType): readonly string[] =>
  Object.entries((schema as Partial<z.ZodObject>).shape ?? {}).flatMap(([name, field]) =>
    (field as z.ZodType).meta()?.secret === true ? [name] : [],
  )

/** The secret in a file. One line break at its end, which editors add, does not belong to it. */
const readSecretFile = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '') || undefined
  } catch {
    return undefined
  }
}

/** Puts the content of `<NAME>_FILE` in the place of `NAME`. */
const readSecretFiles = (
  names: readonly string[],
  given: Readonly<Record<string, string>>,
  problems: Set<string>,
): Record<string, string> => {
  const values = { ...given }
  for (const name of names) {
    const path = given[name + FILE_SUFFIX]
    if (path === undefined) continue
    if (given[name] !== undefined) problems.add(`${name}: is given twice, by ${name} and by ${name}${FILE_SUFFIX}`)
    const value = readSecretFile(path)
    if (value === undefined) problems.add(`${name}${FILE_SUFFIX}: must be the path of a readable file with the secret`)
    else values[name] = value
  }
  return values
}

/** Reports the bad values of all schemas together, without the values. Empty counts as absent. */
export const readConfigs = <Shape extends Record<string, z.ZodType>>(
  schemas: Shape,
  environment: Environment,
): { [Name in keyof Shape]: z.infer<Shape[Name]> } => {
  const problems = new Set<string>()
  const filled = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== '',
  )
  const secrets = new Set(Object.values(schemas).flatMap(secretNames))
  const given = readSecretFiles([...secrets], Object.fromEntries(filled), problems)
  const configs: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries(schemas)) {
    const parsed = schema.safeParse(given)
    if (parsed.success) configs[name] = parsed.data
    else
      for (const issue of parsed.error.issues)
        problems.add(`${issue.path.join('.') || 'environment'}: ${issue.message}`)
  }
  if (problems.size > 0) throw new ConfigError([...problems].join('\n'))
  return configs as { [Name in keyof Shape]: z.infer<Shape[Name]> }
}

export const envInteger = (min: number, max: number, fallback: number) =>
  z.coerce
    .number({ message: `must be a whole number from ${min} to ${max}` })
    .int()
    .min(min)
    .max(max)
    .default(fallback)

/** Parts separated by commas, each read by `parse`. Blank parts count for nothing. */
export const envList = <Item>(parse: (part: string) => Item | undefined, message: string) =>
  z.string().transform((text, context) => {
    const parts = text.split(',').filter((part) => part.trim() !== '')
    const items = parts.map(parse)
    if (items.every((item) => item !== undefined)) return items as Item[]
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })

/** `true`/`1` or `false`/`0`. */
export const envFlag = (fallback: boolean) =>
  z
    .enum(['true', 'false', '1', '0'])
    .default(fallback ? 'true' : 'false')
    .transform((text) => text === 'true' || text === '1')
