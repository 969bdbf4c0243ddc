import { z } from 'zod'
import { toInstant } from '#libs/runtime/clock.ts'
import type { Tenant } from '../tenant-store.ts'

export const tenantSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    state: z.enum(['active', 'suspended']),
    createdAt: z.iso.datetime(),
  })
  .meta({
    examples: [{ id: 'acme-saas', name: 'Acme SaaS', state: 'active', createdAt: '2026-11-22T10:00:00.000Z' }],
  })

export const toTenantItem = ({ id, name, state, createdAt }: Tenant) => ({
  id,
  name,
  state: state === 'suspended' ? ('suspended' as const) : ('active' as const),
  createdAt: toInstant(createdAt),
})

export const tenantParams = z.object({ tenantId: z.string().meta({ examples: ['acme-saas'] }) })
