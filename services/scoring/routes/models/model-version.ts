import { z } from 'zod'
import { notFound } from '#libs/http/problems/problem.ts'
import type { Sql } from '#libs/postgres/database.ts'
import { toInstant } from '#libs/runtime/clock.ts'
import { DEFAULT_MODEL_ID, parseModel, readShippedSource, SHIPPED_VERSION } from '../../models/model-document.ts'
import { liveVersions, loadModelSources, type ModelVersion } from '../../models/model-store.ts'

export const versionSchema = z
  .object({
    modelId: z.string(),
    version: z.int(),
    name: z.string(),
    status: z.enum(['draft', 'live', 'former']).describe('former: was live before'),
    priority: z.int().nullable().describe('Priority of its segment; null for the default model'),
    author: z.string(),
    createdAt: z.iso.datetime().nullable().describe('Null for the shipped version'),
    firstPublishedAt: z.iso.datetime().nullable(),
    problem: z
      .object({ code: z.literal('unreadable'), detail: z.string() })
      .optional()
      .describe('Only where a live version cannot be read by this release'),
  })
  .meta({
    id: 'ModelVersion',
    examples: [
      {
        modelId: 'enterprise',
        version: 2,
        name: 'Enterprise accounts',
        status: 'draft',
        priority: 10,
        author: 'cs-ops',
        createdAt: '2026-11-22T10:00:00.000Z',
        firstPublishedAt: null,
      },
    ],
  })
export type ShownVersion = z.infer<typeof versionSchema>

export const UNREADABLE: NonNullable<ShownVersion['problem']> = {
  code: 'unreadable',
  detail: 'Stored by another release; the last readable version that was live scores, else the default model',
}

export const modelParams = z.object({
  modelId: z
    .string()
    .max(64)
    .meta({ examples: ['default'] }),
})
export const versionParams = modelParams.extend({ version: z.coerce.number().int().min(1).max(2_147_483_647) })

export const toShown = (row: ModelVersion): ShownVersion => ({
  modelId: row.modelId,
  version: row.version,
  name: row.name,
  status: row.live ? 'live' : row.firstPublishedAt === null ? 'draft' : 'former',
  priority: row.priority,
  author: row.author,
  createdAt: toInstant(row.createdAt),
  firstPublishedAt: row.firstPublishedAt === null ? null : toInstant(row.firstPublishedAt),
})

export const shippedVersion = async (sql: Sql, tenantId: string): Promise<ShownVersion> => {
  const own = (await liveVersions(sql, tenantId)).find(({ modelId }) => modelId === DEFAULT_MODEL_ID)
  const isLive = own === undefined || own.version === SHIPPED_VERSION
  return {
    modelId: DEFAULT_MODEL_ID,
    version: SHIPPED_VERSION,
    name: parseModel(readShippedSource()).name,
    status: isLive ? 'live' : 'former',
    priority: null,
    author: 'pulso',
    createdAt: null,
    firstPublishedAt: null,
  }
}

export const readSource = async (
  sql: Sql,
  tenantId: string,
  { modelId, version }: { readonly modelId: string; readonly version: number },
): Promise<string> => {
  if (modelId === DEFAULT_MODEL_ID && version === SHIPPED_VERSION) return readShippedSource()
  const [row] = await loadModelSources(sql, [{ tenantId, modelId, version }])
  if (row === undefined) throw notFound('model version')
  return row.source
}
