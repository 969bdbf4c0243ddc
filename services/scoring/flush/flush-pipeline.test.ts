import { expect, it } from 'vitest'
import { createFlushPipeline } from './flush-pipeline.ts'

const until = () => {
  let open = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  return { gate, open }
}

it('prepares the next flush while the one before is being written, and writes them in order', async () => {
  const pipeline = createFlushPipeline()
  const log: string[] = []
  const slow = until()
  const prepareB = until()
  const a = pipeline.run(
    async () => 'a',
    async () => {
      await slow.gate
      log.push('a written')
    },
  )
  const b = pipeline.run(
    async () => {
      log.push('b prepared')
      prepareB.open()
    },
    async () => void log.push('b written'),
  )
  await prepareB.gate
  slow.open()
  await Promise.all([a, b])
  expect(log).toEqual(['b prepared', 'a written', 'b written'])
})

it('does not write what stands on a failed flush, and starts anew once all have ended', async () => {
  const pipeline = createFlushPipeline()
  const written: string[] = []
  const a = pipeline.run(
    async () => {},
    async () => Promise.reject(new Error('disk full')),
  )
  const b = pipeline.run(
    async () => {},
    async () => void written.push('b'),
  )
  await expect(a).rejects.toThrow('disk full')
  await expect(b).rejects.toThrow('disk full')
  await pipeline.run(
    async () => {},
    async () => void written.push('c'),
  )
  expect(written).toEqual(['c'])
})
