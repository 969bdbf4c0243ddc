import { expect, it } from 'vitest'
import type { Batch } from '#libs/bus/bus.ts'
import { PermanentError, UnavailableError } from '#libs/runtime/errors.ts'
import { eventually } from '../support/eventually.ts'
import {
  allSeen,
  type BusHarness,
  collect,
  distinct,
  numbered,
  openBus,
  readDead,
  record,
  startMember,
  TOPIC,
} from './bus-log.ts'

const holds = (batch: Batch, value: string): boolean => batch.records.some((one) => one.value.toString() === value)

/** The promises for records whose handler rejects, waits or is slow. */
export const failureSuite = (harness: BusHarness): void => {
  it('a batch whose handler throws a few times comes again and is not dead-lettered', async () => {
    const bus = await openBus(await harness.freshLog())
    let failures = 0
    const { seen } = await collect(bus, { group: 'flaky' }, (batch) => {
      if (holds(batch, '5') && failures++ < 2) throw new Error('deadlock detected')
    })
    const dead = await readDead(bus)
    await bus.publish(TOPIC, numbered(10, 1))
    await allSeen('records', seen, 10)
    expect(failures).toBe(3)
    expect(seen.map(({ value }) => Number(value))).toEqual(Array.from({ length: 10 }, (_, i) => i))
    expect(dead).toEqual([])
  })

  it('a record that can never be handled is dead-lettered with its bytes and the reason, and its partition moves on', async () => {
    const bus = await openBus(await harness.freshLog())
    const poison = Buffer.from([0xff, 0x00, 0xfe])
    const { seen } = await collect(bus, { group: 'poison' }, ({ records }) => {
      if (records.some(({ value }) => value.equals(poison))) throw new PermanentError('not JSON, password=hunter2')
    })
    const dead = await readDead(bus)
    const records = numbered(100, 1)
    const before = records.slice(0, 60)
    await bus.publish(TOPIC, [
      ...before,
      { ...record(records[0]!.key, poison), headers: { kind: 'event' } },
      ...records.slice(60),
    ])
    await allSeen('neighbours', seen, 100)
    expect(seen.map(({ value }) => Number(value))).toEqual(Array.from({ length: 100 }, (_, i) => i))
    await eventually('the record is dead-lettered', () => dead.length === 1)
    expect(dead[0]).toMatchObject({
      key: records[0]!.key,
      value: poison,
      headers: {
        kind: 'event',
        'dead-topic': TOPIC,
        'dead-offset': '60',
        'dead-reason': expect.stringMatching(/^PermanentError: not JSON/),
      },
    })
    expect(JSON.stringify(dead[0])).not.toContain('hunter2')
  })

  it('a record that keeps failing is dead-lettered within 5 s', async () => {
    const bus = await openBus(await harness.freshLog())
    const { seen } = await collect(bus, { group: 'stuck' }, (batch) => {
      if (holds(batch, '3')) throw new TypeError('undefined is not a function')
    })
    const dead = await readDead(bus)
    await bus.publish(TOPIC, numbered(8, 1))
    await allSeen('neighbours', seen, 7, 5_000)
    await eventually('it is dead-lettered', () => dead.length === 1, 5_000)
    expect(dead[0]!.value.toString()).toBe('3')
    expect(dead[0]!.headers['dead-reason']).toBe('TypeError: undefined is not a function')
  })

  it('a batch waits as long as a dependency is unavailable, and nothing is dead-lettered', async () => {
    const bus = await openBus(await harness.freshLog())
    let unavailable = true
    let tries = 0
    const { seen } = await collect(bus, { group: 'waiting' }, () => {
      tries++
      if (unavailable) throw new UnavailableError('database is unavailable')
    })
    const dead = await readDead(bus)
    await bus.publish(TOPIC, numbered(5, 1))
    await eventually('it was tried several times', () => tries >= 4)
    unavailable = false
    await allSeen('records', seen, 5)
    expect(dead).toEqual([])
  })

  it('with inFlight 2 the next batch is handed over meanwhile, and is redelivered after the first if that fails', async () => {
    const bus = await openBus(await harness.freshLog())
    const handed: string[] = []
    const kept: string[] = []
    let failed = false
    let overlapped = () => {}
    const overlap = new Promise<void>((resolve) => {
      overlapped = resolve
    })
    await bus.consume({
      group: 'overlap',
      topic: TOPIC,
      inFlight: 2,
      maxBatchBytes: 1_000,
      handle: async ({ records }) => {
        const [first] = records.map(({ value }) => value.toString('utf8', 0, 1))
        handed.push(first!)
        if (first === 'b') overlapped()
        if (first === 'a' && !failed) {
          await overlap
          failed = true
          throw new Error('rolled back')
        }
        kept.push(first!)
      },
    })
    await bus.publish(
      TOPIC,
      ['a', 'b', 'c', 'd'].map((name) => record('one', name.repeat(900))),
    )
    await eventually('the last is kept', () => kept.includes('d'))
    expect(handed.slice(0, 2)).toEqual(['a', 'b'])
    // What b did while a failed counts as not done.
    expect(kept.slice(kept.indexOf('a'))).toEqual(['a', 'b', 'c', 'd'])
  })

  it('a slow handler does not grow memory', async () => {
    const address = await harness.freshLog()
    const bus = await openBus(address)
    const member = startMember(address, 'slow', { mode: 'hang', maxBatchBytes: 256 * 1024 })
    const load = Buffer.alloc(64 * 1024)
    for (let i = 0; i < load.length; i++) load[i] = (i * 2_654_435_761) >>> 13
    await bus.publish(TOPIC, numbered(8, 200))
    await eventually('the member is handed records', () => member.values.length > 0)
    const before = member.peakBytes()
    // 240 MB wait in the log; what a member holds of them is bounded by far less.
    for (let i = 0; i < 25; i++)
      await bus.publish(
        TOPIC,
        Array.from({ length: 150 }, (_, j) => record(`k${i}-${j}`, load)),
      )
    // Ten samples, 200 ms apart in the member's own time, in which it could fetch all.
    const samples = member.samples()
    await eventually('its memory was sampled', () => member.samples() >= samples + 10)
    expect(member.peakBytes() - before).toBeLessThan(96 * 1024 * 1024)
    expect(distinct(member.values).size).toBeLessThan(400)
  })
}
