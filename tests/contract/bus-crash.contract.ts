import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { eventually } from '../support/eventually.ts'
import { allSeen, type BusHarness, collect, distinct, numbered, openBus, startMember, TOPIC } from './bus-log.ts'

/** An outage of 20 s with PULSO_LONG_TESTS=1; the same path in less otherwise. */
const OUTAGE_MS = process.env.PULSO_LONG_TESTS === '1' ? 20_000 : 3_000
const TAKEOVER_LIMIT_MS = 25_000

/** The promises that hold when processes are killed and servers stop. */
export const crashSuite = (harness: BusHarness): void => {
  it('when a member is killed its partitions are taken over and nothing is lost', async () => {
    const address = await harness.freshLog()
    const bus = await openBus(address)
    const victim = startMember(address, 'kill')
    const survivor = startMember(address, 'kill')
    let published = 0
    const publish = async (): Promise<void> => {
      const from = published
      published += 40
      await bus.publish(TOPIC, numbered(40, 40, from))
    }
    await eventually('both are handed records', async () => {
      await publish()
      return victim.values.length > 0 && survivor.values.length > 0
    })
    await victim.kill()
    await publish()
    const handled = (): number => distinct([...victim.values, ...survivor.values]).size
    await eventually('all that was published is handled', () => handled() === published, TAKEOVER_LIMIT_MS)
    await publish()
    await eventually('the survivor has every partition', () => survivor.partitions.size === 8)
    await eventually('the last are handled', () => handled() === published)
    expect(distinct(survivor.values).size).toBeGreaterThanOrEqual(40)
  })

  it('records that were handed over but not done when their member was killed come again', async () => {
    const address = await harness.freshLog()
    const bus = await openBus(address)
    const victim = startMember(address, 'crash', { mode: 'hang' })
    await bus.publish(TOPIC, numbered(40, 40))
    await eventually('the victim holds them all', () => distinct(victim.values).size === 40)
    // Longer than the commit interval: no commit may hold records that are not done.
    await pause(2_500)
    await victim.kill()
    const { seen } = await collect(bus, { group: 'crash' })
    await allSeen('records', seen, 40, TAKEOVER_LIMIT_MS)
    expect(distinct(seen)).toEqual(distinct(victim.values))
  })

  it('a server that stops and starts again ends no process and loses nothing', async () => {
    const server = await harness.ownServer()
    try {
      const bus = await openBus(server.address)
      const { seen } = await collect(bus, { group: 'outage' })
      const acknowledged: string[] = []
      let publishing = true
      const publisher = (async () => {
        for (let next = 0; publishing; next += 10) {
          const records = numbered(10, 10, next)
          // A publish that failed may or may not be stored: only what was acknowledged is promised.
          const stored = await bus.publish(TOPIC, records).then(
            () => true,
            (error: unknown) => {
              if (!(error instanceof UnavailableError)) throw error
              return false
            },
          )
          if (stored) acknowledged.push(...records.map(({ value }) => value.toString()))
          await pause(20)
        }
      })()
      await eventually('records flow', () => seen.length > 50)
      await server.stopServer()
      await expect(bus.check()).rejects.toThrow(UnavailableError)
      await pause(OUTAGE_MS)
      const before = acknowledged.length
      await server.startServer()
      await eventually('publishing goes on', () => acknowledged.length > before + 50, 40_000)
      publishing = false
      await publisher
      await expect(bus.check()).resolves.toBeUndefined()
      const lost = (): string[] => {
        const handled = distinct(seen)
        return acknowledged.filter((value) => !handled.has(value))
      }
      await eventually('every acknowledged record is handled', () => lost().length === 0, 40_000)
      expect(lost()).toEqual([])
      expect(acknowledged.length).toBeGreaterThan(before + 50)
    } finally {
      await server.remove()
    }
  }, 150_000)
}
