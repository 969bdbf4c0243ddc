import { z } from 'zod'

/** Exit code of sysexits.h for "the configuration is wrong". */
export const EXIT_CONFIG = 78

/** All bad values of the environment, a line each. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

export type Environment = Readonly<Record<string, string | undefined>>

/** Reports the bad values of all schemas together, without the values. Empty counts as absent. */
export const readConfigs = <Shape extends Record<string, z.ZodType>>(
  schemas: Shape,
  environment: Environment,
): { [Name in keyof Shape]: z.infer<Shape[Name]> } => {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  )
  const problems = new Set<string>()
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

/** `true`/`1` or `false`/`0`. */
export const envFlag = (fallback: boolean) =>
  z
    .enum(['true', 'false', '1', '0'])
    .default(fallback ? 'true' : 'false')
    .transform((text) => text === 'true' || text === '1')
