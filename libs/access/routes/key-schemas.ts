import { z } from 'zod'
import { type Clock, toInstant } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'
import { parseInstant } from '#libs/time/instant.ts'
import { SCOPES } from '../keyring.ts'
import type { StoredKey } from '../keys/key-store.ts'

const scopes = z.array(z.enum(SCOPES)).min(1)
const EXAMPLE = { id: 'h7Jw2kQp', name: 'billing backend', scopes: ['ingest'] }

export const newKeySchema = z
  .object({
    name: z.string().min(1).max(256).describe('Also the default `source` of its events'),
    scopes,
    expiresAt: z.iso.datetime({ offset: true }).optional(),
  })
  .meta({ examples: [{ name: 'billing backend', scopes: ['ingest'] }] })
export type NewKeyBody = z.infer<typeof newKeySchema>

export const createdKeySchema = z
  .object({ id: z.string(), key: z.string().describe('Shown this once'), scopes })
  .meta({ examples: [{ ...EXAMPLE, key: 'pulso_live_h7Jw2kQp_...' }] })

export const keySchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes,
    operator: z.boolean().describe('Manages tenants; shown to operators only'),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    lastUsedAt: z.iso.datetime().nullable().describe('To the minute'),
  })
  .meta({
    examples: [
      {
        ...EXAMPLE,
        operator: false,
        createdAt: '2026-11-22T10:00:00.000Z',
        expiresAt: null,
        lastUsedAt: '2026-11-30T08:15:00.000Z',
      },
    ],
  })

const instantOrNull = (at: number | null): string | null => (at === null ? null : toInstant(at))

export const toKeyItem = ({ id, name, scopes, operator, createdAt, expiresAt, lastUsedAt }: StoredKey) => ({
  id,
  name,
  scopes: [...scopes],
  operator,
  createdAt: toInstant(createdAt),
  expiresAt: instantOrNull(expiresAt),
  lastUsedAt: instantOrNull(lastUsedAt),
})

/** Epoch milliseconds, or null for no end. Throws 422 for an instant that has passed. */
export const parseExpiry = ({ expiresAt }: NewKeyBody, clock: Clock): number | null => {
  if (expiresAt === undefined) return null
  const at = parseInstant(expiresAt)
  if (at > clock.now()) return at
  throw new RequestError(422, 'invalid_request', 'The request body is not valid', [
    { pointer: '/expiresAt', code: 'in_the_past', detail: 'The key would be expired from the start' },
  ])
}
