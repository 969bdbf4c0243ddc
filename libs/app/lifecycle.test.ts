import { expect, test } from 'vitest'
import { systemClock } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { createSequence, type Part } from './lifecycle.ts'

const deps = { clock: systemClock, logger: silentLogger }

const recorded = (log: string[], name: string, override: Partial<Part> = {}): Part => ({
  name,
  start: async () => void log.push(`+${name}`),
  stop: async () => void log.push(`-${name}`),
  ...override,
})

test('parts start in order and stop in reverse, once', async () => {
  const log: string[] = []
  const sequence = createSequence([recorded(log, 'a'), recorded(log, 'b')], deps)
  await sequence.start()
  await Promise.all([sequence.stop(), sequence.stop()])
  expect(log).toEqual(['+a', '+b', '-b', '-a'])
})

test('a start that fails undoes itself and says why', async () => {
  const log: string[] = []
  const broken = recorded(log, 'b', { start: () => Promise.reject(new Error('no disk')) })
  const sequence = createSequence([recorded(log, 'a'), broken, recorded(log, 'c')], deps)
  await expect(sequence.start()).rejects.toThrow('no disk')
  expect(log).toEqual(['+a', '-b', '-a'])
})

test('a server that is still coming up is waited for', async () => {
  const log: string[] = []
  let tries = 0
  const late = recorded(log, 'late', {
    start: async () => {
      tries += 1
      if (tries < 2) throw new UnavailableError('refused')
      log.push('+late')
    },
  })
  await createSequence([late], deps).start()
  expect(log).toEqual(['+late'])
})

test('a stop overtakes a start that waits for a server, and undoes what was started', async () => {
  const log: string[] = []
  const never = recorded(log, 'never', { start: () => Promise.reject(new UnavailableError('refused')) })
  const sequence = createSequence([recorded(log, 'a'), never], deps)
  const starting = sequence.start().catch((error: Error) => error.message)
  await sequence.stop()
  expect(await starting).toBe('stopped while starting')
  expect(log).toEqual(['+a', '-never', '-a'])
})

test('a part that cannot stop does not keep the others from stopping', async () => {
  const log: string[] = []
  const stuck = recorded(log, 'stuck', { stop: () => Promise.reject(new Error('stuck')) })
  const sequence = createSequence([recorded(log, 'a'), stuck], deps)
  await sequence.start()
  await sequence.stop()
  expect(log).toEqual(['+a', '+stuck', '-a'])
})
