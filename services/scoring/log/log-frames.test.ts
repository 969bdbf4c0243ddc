import fc from 'fast-check'
import { expect, test } from 'vitest'
import { unpackBody } from '#libs/bytes/zstd.ts'
import { changeIn, createFrameWriter, eventsIn } from './log-frames.ts'

const json = fc.json()
const entry = fc.record({ events: fc.array(json, { maxLength: 5 }), change: fc.option(json) })

test('what entries put into frames comes out again, whatever shares the frame', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 40 }),
      fc.integer({ min: 1, max: 1_500 }),
      async (entries, repeated) => {
        const writer = createFrameWriter()
        // Long texts make several frames.
        const long = entries.map(({ events, change }) => ({
          events: events.map((text) => text.repeat(repeated)),
          change: change === null ? null : Buffer.from(change),
        }))
        const places = long.map(({ events, change }) =>
          writer.add(
            events.map((raw) => ({ raw })),
            change,
          ),
        )
        const frames = (await writer.take()).map((packed) => unpackBody(packed))
        for (const [i, { events, change }] of long.entries()) {
          const frame = frames[places[i]!.frame] ?? Buffer.alloc(0)
          expect(eventsIn(frame, places[i]!).map(String)).toEqual(events)
          expect(changeIn(frame, places[i]!)?.toString()).toBe(change?.toString())
        }
      },
    ),
    { numRuns: 50 },
  )
})
