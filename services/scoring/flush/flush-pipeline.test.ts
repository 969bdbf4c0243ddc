import { expect, it } from 'vitest'
import { createFlushPipeline } from './flush-pipeline.ts'

it('prepares the next flush while the one before is being written, and writes them in order', async () => {
  const pipeline = createFlushPipeline()
  const log: string[] = []
  const [slow, preparedB] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const a = pipeline.run((turn) =>
    turn.write(async () => {
      await slow.promise
      log.push('a written')
    }),
  )
  const b = pipeline.run((turn) => {
    log.push('b prepared')
    preparedB.resolve()
    return turn.write(async () => void log.push('b written'))
  })
  await preparedB.promise
  slow.resolve()
  await Promise.all([a, b])
  expect(log).toEqual(['b prepared', 'a written', 'b written'])
})

it('does not write a flush that stands on a failed flush, and starts anew once all have ended', async () => {
  const pipeline = createFlushPipeline()
  const written: string[] = []
  const a = pipeline.run((turn) => turn.write(() => Promise.reject(new Error('disk full'))))
  const b = pipeline.run((turn) => turn.write(async () => void written.push('b')))
  await expect(a).rejects.toThrow('disk full')
  await expect(b).rejects.toThrow('disk full')
  await pipeline.run((turn) => turn.write(async () => void written.push('c')))
  expect(written).toEqual(['c'])
})
