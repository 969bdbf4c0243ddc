import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createEarliestEvents } from './events-in-order.ts'
import { createTimelinePage, newestFirst, type TimelineEvent } from './timeline-page.ts'

const anEvent = (occurredAt: number, i: number): TimelineEvent => ({
  id: `e-${i}`,
  source: 'web',
  type: 'Signed In',
  userId: null,
  occurredAt,
  receivedAt: 0,
  properties: {},
  backfill: false,
})
const instants = fc.array(fc.nat({ max: 30 }), { maxLength: 200 })

test('a page has the newest events whatever order they come in, and says when no older one can be on it', () => {
  fc.assert(
    fc.property(instants, fc.integer({ min: 1, max: 20 }), fc.nat({ max: 30 }), (times, limit, probe) => {
      const events = times.map(anEvent)
      const page = createTimelinePage(limit)
      for (const event of events) page.add(event, 10)
      const sorted = [...events].sort(newestFirst)
      const isFull = page.isFullOfNewer(probe)
      expect(isFull).toBe(events.length > limit && sorted[limit]!.occurredAt > probe)
      expect(page.take()).toEqual({ events: sorted.slice(0, limit), hasMore: events.length > limit })
    }),
  )
})

test('a page of long events ends early, with one event at least', () => {
  fc.assert(
    fc.property(instants, fc.integer({ min: 1, max: 300 }), (times, maxBytes) => {
      fc.pre(times.length > 0)
      const events = times.map(anEvent)
      const page = createTimelinePage(500, maxBytes)
      for (const event of events) page.add(event, 100)
      const fitting = Math.max(1, Math.floor(maxBytes / 100))
      expect(page.take()).toEqual({
        events: [...events].sort(newestFirst).slice(0, fitting),
        hasMore: events.length > fitting,
      })
    }),
  )
})

test('events that do not fit into memory are read in parts, in the order in which they happened, each once', () => {
  fc.assert(
    fc.property(instants, fc.integer({ min: 500, max: 20_000 }), (times, maxBytes) => {
      const events = times.map(anEvent)
      const read: TimelineEvent[] = []
      let from: number | null = Number.NEGATIVE_INFINITY
      while (from !== null) {
        const earliest = createEarliestEvents(maxBytes)
        for (const event of events) if (event.occurredAt >= from) earliest.add(event, 10)
        const part = earliest.take()
        read.push(...part.events)
        from = part.before
      }
      expect(read.map(({ occurredAt }) => occurredAt)).toEqual([...times].sort((a, b) => a - b))
      expect(new Set(read.map(({ id }) => id)).size).toBe(events.length)
    }),
  )
})
