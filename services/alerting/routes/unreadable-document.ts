import { z } from 'zod'

/** Members of what another release has stored and this one cannot read. */
export const unreadableShape = {
  problem: z.object({ code: z.literal('unreadable'), detail: z.string() }),
  document: z.unknown().describe('As it is stored'),
}

export const unreadable = (detail: string, document: unknown) => ({
  problem: { code: 'unreadable' as const, detail },
  document,
})
