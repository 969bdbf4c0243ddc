import type { FastifyPluginAsync } from 'fastify'
import type { IdempotentReply } from '#libs/access/idempotent-reply.ts'
import { accessRoutes } from '#libs/access/routes/access-routes.ts'
import type { Bus } from '#libs/bus/bus.ts'
import type { WorkSlots } from '#libs/http/limits/work-slots.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { Clock } from '#libs/runtime/clock.ts'
import type { Zone } from '#libs/time/time-zone.ts'
import { createReplayDeadLetters } from '../dead-letters/replay-dead-letters.ts'
import type { EraseAccount } from '../erasure/erase-account.ts'
import type { EraseUser } from '../erasure/erase-user.ts'
import type { ApplyCommand } from '../flush/apply-command.ts'
import type { LiveModels } from '../models/live-models.ts'
import type { PublishModel } from '../models/publish-model.ts'
import type { AccountViews } from '../queries/account-views.ts'
import type { PreviewModel } from '../queries/preview-model.ts'
import type { AccountProjector } from '../queries/project-accounts.ts'
import type { RebuildPast } from '../queries/rebuild-past.ts'
import { accountRoutes } from './accounts/account.ts'
import { accountChangeRoutes } from './accounts/account-changes.ts'
import { accountErasureRoutes } from './accounts/account-erasure.ts'
import { accountEventRoutes } from './accounts/account-events.ts'
import { accountHealthRoutes } from './accounts/account-health.ts'
import { accountHistoryRoutes } from './accounts/account-history.ts'
import { accountJourneyRoutes } from './accounts/account-journey.ts'
import { accountOverrideRoutes } from './accounts/account-override.ts'
import { accountListRoutes } from './accounts/accounts.ts'
import { backfillRoutes } from './backfills.ts'
import { deadLetterRoutes } from './dead-letters.ts'
import { createModelRoutes } from './models/create-model.ts'
import { modelActionRoutes } from './models/model-actions.ts'
import { modelRoutes } from './models/models.ts'
import { portfolioRoutes } from './portfolio.ts'

type Deps = {
  /** Of the API. */
  readonly database: Database
  readonly clock: Clock
  readonly bus: Bus
  readonly zone: Zone
  readonly liveModels: LiveModels
  readonly projector: AccountProjector
  readonly views: AccountViews
  readonly rebuildPast: RebuildPast
  readonly applyCommand: ApplyCommand
  readonly eraseAccount: EraseAccount
  readonly eraseUser: EraseUser
  readonly publishModel: PublishModel
  readonly previewModel: PreviewModel
  readonly idempotentReply: IdempotentReply
  readonly listSlots: WorkSlots
  readonly pageSlots: WorkSlots
}

/** All routes of scoring. */
export const scoringRoutes =
  (deps: Deps): FastifyPluginAsync =>
  async (app) => {
    const { idempotentReply } = deps
    await app.register(accountErasureRoutes(deps))
    await app.register(accountListRoutes(deps))
    await app.register(portfolioRoutes(deps))
    await app.register(accountRoutes(deps))
    await app.register(accountHealthRoutes(deps))
    await app.register(accountHistoryRoutes(deps))
    await app.register(accountChangeRoutes(deps))
    await app.register(accountEventRoutes(deps))
    await app.register(accountJourneyRoutes(deps))
    await app.register(accountOverrideRoutes(deps))
    await app.register(deadLetterRoutes({ ...deps, replay: createReplayDeadLetters(deps) }))
    await app.register(backfillRoutes(deps))
    await app.register(modelRoutes(deps))
    await app.register(createModelRoutes({ idempotentReply }))
    await app.register(modelActionRoutes(deps))
    await app.register(accessRoutes(deps))
  }
