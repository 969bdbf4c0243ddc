import { gauge, type Registry } from '../runtime/metrics.ts'

type PoolCounts = { readonly totalCount: number; readonly idleCount: number; readonly waitingCount: number }

/** Shows a pool by its name. */
export type PoolMetrics = { readonly watch: (name: string, pool: PoolCounts) => void }

export const createPoolMetrics = (metrics: Registry): PoolMetrics => {
  const pools = new Map<string, PoolCounts>()
  gauge(metrics, {
    name: 'pulso_database_connections_in_use',
    help: 'Connections of the pool that a caller holds',
    labelNames: ['pool'],
    collect(this: { set: (labels: object, value: number) => void }) {
      for (const [pool, { totalCount, idleCount }] of pools) this.set({ pool }, totalCount - idleCount)
    },
  })
  gauge(metrics, {
    name: 'pulso_database_callers_waiting',
    help: 'Callers that wait for a connection of the pool',
    labelNames: ['pool'],
    collect(this: { set: (labels: object, value: number) => void }) {
      for (const [pool, { waitingCount }] of pools) this.set({ pool }, waitingCount)
    },
  })
  return { watch: (name, pool) => void pools.set(name, pool) }
}
