import type { ZodObject } from 'zod'
import { platformConfigSchema } from '#libs/app/platform-config.ts'
import { services } from '../../services/all/services.ts'

/** Every variable that a process reads, by name. */
export const settingNames = (): readonly string[] => {
  const schemas = [platformConfigSchema({ alone: false, defaultPort: 8080 }), ...services.map(({ config }) => config)]
  return [...new Set(schemas.flatMap((schema) => Object.keys((schema as ZodObject).shape)))].sort()
}
