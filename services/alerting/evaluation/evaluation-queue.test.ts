import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { UnavailableError } from '#libs/runtime/errors.ts'
import { accountChange } from '../../../tests/support/scoring/account-changes.ts'
import { createJudgeQueue } from './evaluation-queue.ts'

const changesOf = (accountId: string, count = 1) =>
  Array.from({ length: count }, (_, i) => accountChange({ accountId, sequence: i + 1, score: 80, at: 0 }))

const recording = (mostChanges = 10) => {
  const judged: { accounts: string; done: () => void; fail: (error: Error) => void }[] = []
  const offer = createJudgeQueue({
    mostChanges,
    judge: (changes) =>
      new Promise((resolve, reject) => {
        const accounts = [...new Set(changes.map(({ accountId }) => accountId))].join(' ')
        judged.push({ accounts, done: resolve, fail: reject })
      }),
  })
  const offered = (accountId: string, count?: number): Promise<string> =>
    offer(changesOf(accountId, count)).then(
      () => 'judged',
      (error: Error) => error.message,
    )
  return { judged, offered, seen: () => judged.map(({ accounts }) => accounts) }
}

it('judges together what arrives together, and what arrives meanwhile together after it', async () => {
  const { judged, offered, seen } = recording()
  const answers = ['a', 'b'].map((accountId) => offered(accountId))
  await turn()
  answers.push(...['c', 'd'].map((accountId) => offered(accountId)))
  await turn()
  expect(seen()).toEqual(['a b'])
  judged[0]!.done()
  await turn()
  await turn()
  expect(seen()).toEqual(['a b', 'c d'])
  judged[1]!.done()
  expect(await Promise.all(answers)).toEqual(['judged', 'judged', 'judged', 'judged'])
})

it('judges several full transactions at once', async () => {
  const { offered, seen } = recording(10)
  for (const accountId of ['a', 'b', 'c', 'd', 'e', 'f']) void offered(accountId, 6)
  await turn()
  expect(seen()).toEqual(['a', 'b', 'c'])
})

it('judges each batch alone when one of them makes their transaction fail', async () => {
  const { judged, offered, seen } = recording()
  const answers = ['a', 'b', 'c'].map((accountId) => offered(accountId))
  await turn()
  judged[0]!.fail(new Error('a bad one'))
  await turn()
  judged[1]!.done()
  await turn()
  judged[2]!.fail(new Error('a bad one'))
  await turn()
  judged[3]!.done()
  expect(await Promise.all(answers)).toEqual(['judged', 'a bad one', 'judged'])
  expect(seen()).toEqual(['a b c', 'a', 'b', 'c'])
})

it('tries nothing alone while the database is away', async () => {
  const { judged, offered, seen } = recording()
  const answers = ['a', 'b'].map((accountId) => offered(accountId))
  await turn()
  judged[0]!.fail(new UnavailableError('away'))
  expect(await Promise.all(answers)).toEqual(['away', 'away'])
  expect(seen()).toEqual(['a b'])
})
