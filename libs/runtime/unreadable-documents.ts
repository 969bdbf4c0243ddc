import type { Logger } from './logger.ts'
import { type Gauge, gauge, type Registry } from './metrics.ts'

type Kind = 'rule' | 'model' | 'notification_policy' | 'silence' | 'webhook_endpoint'

/** Says which documents of one kind of the tenant cannot be read now: all of them, each time. */
export type ReportUnreadable = (kind: Kind, tenantId: string, ids: readonly string[]) => void

/** The same of several tenants: a tenant of which none is unreadable has none any more. */
export const reportOfTenants = (
  report: ReportUnreadable,
  kind: Kind,
  tenantIds: readonly string[],
  unreadable: readonly { readonly tenantId: string; readonly id: string }[],
): void => {
  const byTenant = Map.groupBy(unreadable, ({ tenantId }) => tenantId)
  for (const tenantId of tenantIds) report(kind, tenantId, byTenant.get(tenantId)?.map(({ id }) => id) ?? [])
}

/**
 * What another release has stored and this one cannot read is skipped: a gauge counts what this
 * process has met, and each document is logged when it first shows.
 */
export const createUnreadableDocuments = (registry: Registry, logger: Logger): ReportUnreadable => {
  const count =
    (registry.getSingleMetric(NAME) as Gauge | undefined) ??
    gauge(registry, {
      name: NAME,
      help: 'Stored documents of tenants that this process has met and cannot read',
      labelNames: ['kind'],
    })
  const known = new Map<string, ReadonlySet<string>>()
  return (kind, tenantId, ids) => {
    const key = `${kind}:${tenantId}`
    const before = known.get(key)
    if (before === undefined && ids.length === 0) return
    for (const id of ids)
      if (!before?.has(id)) logger.warn({ kind, tenantId, id }, 'stored document cannot be read by this release')
    count.inc({ kind }, ids.length - (before?.size ?? 0))
    if (ids.length === 0) known.delete(key)
    else known.set(key, new Set(ids))
  }
}

const NAME = 'pulso_unreadable_documents'
