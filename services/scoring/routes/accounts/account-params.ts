import { z } from 'zod'

export const accountParams = z.object({ accountId: z.string().min(1).max(256) })
