import { expect, test } from 'vitest'
import { systemClock } from '#libs/runtime/clock.ts'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { type Component, createLifecycle } from './lifecycle.ts'

const deps = { clock: systemClock, logger: silentLogger }

const recorded = (log: string[], name: string, override: Partial<Component> = {}): Component => ({
  name,
  start: async () => void log.push(`+${name}`),
  stop: async () => void log.push(`-${name}`),
  ...override,
})

test('components start in order and stop in reverse, once', async () => {
  const log: string[] = []
  const lifecycle = createLifecycle([recorded(log, 'a'), recorded(log, 'b')], deps)
  await lifecycle.start()
  await Promise.all([lifecycle.stop(), lifecycle.stop()])
  expect(log).toEqual(['+a', '+b', '-b', '-a'])
})

test('a start that fails undoes itself and rejects with the reason', async () => {
  const log: string[] = []
  const broken = recorded(log, 'b', { start: () => Promise.reject(new Error('no disk')) })
  const lifecycle = createLifecycle([recorded(log, 'a'), broken, recorded(log, 'c')], deps)
  await expect(lifecycle.start()).rejects.toThrow('no disk')
  expect(log).toEqual(['+a', '-b', '-a'])
})

test('a start waits for a server that is still coming up', async () => {
  const log: string[] = []
  let tries = 0
  const late = recorded(log, 'late', {
    start: async () => {
      tries += 1
      if (tries < 2) throw new UnavailableError('refused')
      log.push('+late')
    },
  })
  await createLifecycle([late], deps).start()
  expect(log).toEqual(['+late'])
})

test('a stop overtakes a start that waits for a server, and undoes what was started', async () => {
  const log: string[] = []
  const never = recorded(log, 'never', { start: () => Promise.reject(new UnavailableError('refused')) })
  const lifecycle = createLifecycle([recorded(log, 'a'), never], deps)
  const starting = lifecycle.start().catch((error: Error) => error.message)
  await lifecycle.stop()
  expect(await starting).toBe('stopped while starting')
  expect(log).toEqual(['+a', '-never', '-a'])
})

test('a component that cannot stop does not keep the others from stopping', async () => {
  const log: string[] = []
  const stuck = recorded(log, 'stuck', { stop: () => Promise.reject(new Error('stuck')) })
  const lifecycle = createLifecycle([recorded(log, 'a'), stuck], deps)
  await lifecycle.start()
  await lifecycle.stop()
  expect(log).toEqual(['+a', '+stuck', '-a'])
})
