import { z } from 'zod'
import { errors } from '#libs/http/problem.ts'
import { routes } from '#libs/http/routes.ts'
import type { EraseAccount } from '../erase-account.ts'
import { accountParams } from './account-params.ts'

export const accountErasureRoutes = ({ eraseAccount }: { readonly eraseAccount: EraseAccount }) =>
  routes((app) => {
    app.delete(
      '/v1/accounts/:accountId',
      {
        config: { scope: 'admin' },
        schema: {
          operationId: 'eraseAccount',
          summary: 'Erases an account with all that is known of it; what happened before never comes back',
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
  })
