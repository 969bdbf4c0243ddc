import { z } from 'zod'
import { errors } from '#libs/http/problems/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { EraseAccount } from '../../erasure/erase-account.ts'
import type { EraseUser } from '../../erasure/erase-user.ts'
import { accountParams } from './account-params.ts'

type Deps = { readonly eraseAccount: EraseAccount; readonly eraseUser: EraseUser }
const userParams = accountParams.extend({ userId: z.string().min(1).max(256) })

export const accountErasureRoutes = ({ eraseAccount, eraseUser }: Deps) =>
  routes((app) => {
    app.delete(
      '/v1/accounts/:accountId',
      {
        config: { scope: 'admin' },
        schema: {
          operationId: 'eraseAccount',
          summary: 'Erases an account with all its data; events from before the erasure are never counted again',
          tags: ['accounts'],
          params: accountParams,
          response: { 204: z.null(), ...errors(404) },
        },
      },
      async ({ params, principal }, reply) => {
        await eraseAccount(principal, params.accountId)
        return reply.code(204).send(null)
      },
    )
    app.delete(
      '/v1/accounts/:accountId/users/:userId',
      {
        config: { scope: 'admin' },
        schema: {
          operationId: 'eraseUser',
          summary: 'Erases one user with all their events; the account is scored without them',
          tags: ['accounts'],
          params: userParams,
          response: { 204: z.null(), ...errors(404) },
        },
      },
      async ({ params, principal }, reply) => {
        await eraseUser(principal, params.accountId, params.userId)
        return reply.code(204).send(null)
      },
    )
  })
