import type { Clock } from '#libs/runtime/clock.ts'
import { RequestError } from '#libs/runtime/errors.ts'

export type WorkLimits = {
  /** At work at once, of one tenant and of all. */
  readonly perTenant: number
  readonly inAll: number
  /** Waiting for their turn, of one tenant and of all. */
  readonly waitingPerTenant: number
  readonly waitingInAll: number
}

/** How long a request waits for its turn before it is told to come again. */
const MAX_WAIT_MS = 20_000

const tooManyOfTenant = (): RequestError =>
  new RequestError(429, 'too_many_at_once', 'Too many such requests of this tenant are under way; try again later')
const tooManyInAll = (): RequestError =>
  new RequestError(503, 'too_many_in_all', 'Too many such requests are under way; try again later')

/**
 * Runs costly requests, a few at once. One tenant can neither take every slot nor fill the queue.
 * Throws 429 where the tenant has too many under way, 503 where all tenants have or it waits long.
 *
 * Kept by hand: p-limit and p-queue (looked at 2026-11-30) know neither shares nor a full queue.
 */
export type WorkSlots = <Result>(tenantId: string, work: () => Promise<Result>) => Promise<Result>

type Waiter = { readonly tenantId: string; readonly begin: () => void }

export const createWorkSlots = (clock: Clock, limits: WorkLimits): WorkSlots => {
  const atWork = new Map<string, number>()
  let all = 0
  const waiting: Waiter[] = []
  const atWorkOf = (tenantId: string): number => atWork.get(tenantId) ?? 0
  const hasRoom = (tenantId: string): boolean => all < limits.inAll && atWorkOf(tenantId) < limits.perTenant
  const take = (tenantId: string): void => {
    all++
    atWork.set(tenantId, atWorkOf(tenantId) + 1)
  }
  const giveBack = (tenantId: string): void => {
    all--
    if (atWorkOf(tenantId) === 1) atWork.delete(tenantId)
    else atWork.set(tenantId, atWorkOf(tenantId) - 1)
    const next = waiting.findIndex((one) => hasRoom(one.tenantId))
    if (next !== -1) waiting.splice(next, 1)[0]!.begin()
  }
  const waitFor = (tenantId: string): Promise<void> => {
    const ofTenant = waiting.filter((one) => one.tenantId === tenantId).length
    if (ofTenant >= limits.waitingPerTenant) throw tooManyOfTenant()
    if (waiting.length >= limits.waitingInAll) throw tooManyInAll()
    return new Promise((resolve, reject) => {
      const cancel = clock.after(MAX_WAIT_MS, () => {
        waiting.splice(waiting.indexOf(waiter), 1)
        reject(tooManyInAll())
      })
      const waiter: Waiter = {
        tenantId,
        begin: () => {
          cancel()
          take(tenantId)
          resolve()
        },
      }
      waiting.push(waiter)
    })
  }
  return async (tenantId, work) => {
    if (hasRoom(tenantId)) take(tenantId)
    else await waitFor(tenantId)
    try {
      return await work()
    } finally {
      giveBack(tenantId)
    }
  }
}
