import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { spawnProcess } from '../support/processes/spawn-process.ts'

const run = promisify(execFile)

test('the demo shows an address, a key, a curl line that works, and within 30 s an alert whose signature was verified', async () => {
  const startedAt = performance.now()
  const demo = spawnProcess('services/all/demo.ts', { PORT: '0' })
  try {
    const [, curl] = await demo.printed(/^ {2}(curl .*)$/m)
    const [line] = await demo.printed(/^.*alert\.firing.*\[signature verified\]$/m)
    expect(performance.now() - startedAt).toBeLessThan(30_000)
    expect(line).toMatch(/(warning|critical|info) +[a-z-]+ +score .* because /)
    const { stdout } = await run('sh', ['-c', curl!])
    const { items } = JSON.parse(stdout)
    expect(items.length).toBe(5)
    expect(items[0].score).toBeLessThanOrEqual(items[4].score)
    demo.child.kill('SIGINT')
    expect(await demo.ended).toBe(0)
    expect(demo.output()).not.toContain('demo failed')
  } finally {
    demo.child.kill('SIGKILL')
  }
})
