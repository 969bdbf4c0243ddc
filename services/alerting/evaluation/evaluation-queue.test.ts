import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { accountChange } from '../../../tests/support/scoring/account-changes.ts'
import { createEvaluationQueue } from './evaluation-queue.ts'

const changesOf = (accountId: string, count = 1) =>
  Array.from({ length: count }, (_, i) => accountChange({ accountId, sequence: i + 1, score: 80, at: 0 }))

const recording = (mostChanges = 10) => {
  const evaluated: { accounts: string; done: () => void; fail: (error: Error) => void }[] = []
  const offer = createEvaluationQueue({
    mostChanges,
    evaluate: (parts) =>
      new Promise((resolve, reject) => {
        const accounts = [...new Set(parts.flatMap(({ changes }) => changes.map(({ accountId }) => accountId)))].join(
          ' ',
        )
        evaluated.push({ accounts, done: resolve, fail: reject })
      }),
  })
  const offered = (accountId: string, count?: number): Promise<string> =>
    offer({ changes: changesOf(accountId, count), position: null }).then(
      () => 'evaluated',
      (error: Error) => error.message,
    )
  return { evaluated, offered, seen: () => evaluated.map(({ accounts }) => accounts) }
}

it('evaluates batches together that arrive together, and later batches together after them', async () => {
  const { evaluated, offered, seen } = recording()
  const answers = ['a', 'b'].map((accountId) => offered(accountId))
  await turn()
  answers.push(...['c', 'd'].map((accountId) => offered(accountId)))
  await turn()
  expect(seen()).toEqual(['a b'])
  evaluated[0]!.done()
  await turn()
  await turn()
  expect(seen()).toEqual(['a b', 'c d'])
  evaluated[1]!.done()
  expect(await Promise.all(answers)).toEqual(['evaluated', 'evaluated', 'evaluated', 'evaluated'])
})

it('evaluates several full transactions at once', async () => {
  const { offered, seen } = recording(10)
  for (const accountId of ['a', 'b', 'c', 'd', 'e', 'f']) void offered(accountId, 6)
  await turn()
  expect(seen()).toEqual(['a', 'b', 'c'])
})

it('evaluates each batch alone when one of them fails their transaction', async () => {
  const { evaluated, offered, seen } = recording()
  const answers = ['a', 'b', 'c'].map((accountId) => offered(accountId))
  await turn()
  evaluated[0]!.fail(new Error('a bad one'))
  await turn()
  evaluated[1]!.done()
  await turn()
  evaluated[2]!.fail(new Error('a bad one'))
  await turn()
  evaluated[3]!.done()
  expect(await Promise.all(answers)).toEqual(['evaluated', 'a bad one', 'evaluated'])
  expect(seen()).toEqual(['a b c', 'a', 'b', 'c'])
})

it('retries no batch alone while the database is unavailable', async () => {
  const { evaluated, offered, seen } = recording()
  const answers = ['a', 'b'].map((accountId) => offered(accountId))
  await turn()
  evaluated[0]!.fail(new UnavailableError('away'))
  expect(await Promise.all(answers)).toEqual(['away', 'away'])
  expect(seen()).toEqual(['a b'])
})
