import type { z } from 'zod'
import type { AccountHealth } from '#libs/contracts/account-health.ts'
import type { Database } from '#libs/postgres/database.ts'
import type { ReportUnreadable } from '#libs/runtime/unreadable-documents.ts'
import { evaluateChanges, evaluateDueAccounts } from '../../../services/alerting/evaluation/evaluate-accounts.ts'
import {
  evaluateActivity,
  evaluateDueMonitors,
  recheckMuted,
} from '../../../services/alerting/evaluation/evaluate-monitors.ts'
import { sendDueDigests } from '../../../services/alerting/notifications/send-digests.ts'
import { sendDueGroups } from '../../../services/alerting/notifications/send-groups.ts'
import { policyDocumentSchema } from '../../../services/alerting/policy/policy-document.ts'
import { checkOpenAccounts, savePolicy } from '../../../services/alerting/policy/policy-store.ts'
import { createRuleCatalog } from '../../../services/alerting/rules/rule-store.ts'
import { testTombstones } from '../tombstones.ts'

export type AlertingHarness = ReturnType<typeof createAlertingHarness>

const TABLES = [
  'alert',
  'account',
  'subject',
  'silence',
  'outbox',
  'delivery',
  'webhook_message',
  'webhook_endpoint',
  'rule',
  'notification_policy',
  'notice_group',
] as const

/** Alerting without its loops: a test says what comes in and to what instant the timers run. */
export const createAlertingHarness = (database: Database, reportUnreadable?: ReportUnreadable) => {
  const ruleCatalog = createRuleCatalog(reportUnreadable)

  const runTimers = async (now: number): Promise<void> => {
    for (;;) {
      const evaluated = await database.transaction((tx) => evaluateDueMonitors(tx, { ruleCatalog, epoch: 0 }, now, 100))
      await database.transaction((tx) => recheckMuted(tx, evaluated, now))
      const accounts = await database.transaction((tx) => evaluateDueAccounts(tx, ruleCatalog, now, 100))
      const groups = await database.transaction((tx) => sendDueGroups(tx, now, reportUnreadable))
      const digests = await database.transaction((tx) => sendDueDigests(tx, now, reportUnreadable))
      if (evaluated.monitors + accounts + groups + digests === 0) return
    }
  }

  return {
    ruleCatalog,
    clear: async (): Promise<void> => {
      for (const table of TABLES) await database.query(`truncate alerting.${table} cascade`)
    },
    evaluate: (...messages: AccountHealth[]) =>
      database.transaction((tx) => evaluateChanges(tx, { ruleCatalog, tombstones: testTombstones }, messages)),
    recordActivity: async (source: string, at: number, expectedIntervalHours: number | null = null): Promise<void> => {
      const message = { tenantId: 'default', source, heardAt: new Date(at).toISOString(), expectedIntervalHours }
      const evaluated = await database.transaction((tx) => evaluateActivity(tx, { ruleCatalog, epoch: 0 }, [message]))
      await database.transaction((tx) => recheckMuted(tx, evaluated, at))
    },
    runTimers,
    setPolicy: (policy: z.input<typeof policyDocumentSchema>, now: number): Promise<void> =>
      database.transaction(async (tx) => {
        await checkOpenAccounts(tx, 'default', now)
        await savePolicy(tx, 'default', policyDocumentSchema.parse(policy), now)
      }),
    /** `<rule> <account or source> <episode> <state> <told or why not>`, of all alerts. */
    alerts: async (): Promise<string[]> =>
      (
        await database.query<Record<string, string | number | null>>(
          `select rule_id as rule, coalesce(account_id, source, '*') as about, episode, state, case when told then 'told' else muted end as heard
             from alerting.alert order by 1, 2, 3`,
        )
      ).map((row) => Object.values(row).join(' ')),
    /** `<kind> <reason> <told or why not> <instant>`, of all alerts of a rule in order. */
    transitions: async (ruleId: string): Promise<string[]> =>
      (
        await database.query<{ line: string; at: number }>(
          `select t.kind || ' ' || t.reason || ' ' || case when t.told then 'told' else t.muted end as line, t.at
             from alerting.alert_transition t join alerting.alert a using (alert_id) where a.rule_id = $1
            order by t.at, a.account_id, a.episode, t.position`,
          [ruleId],
        )
      ).map(({ line, at }) => `${line} ${new Date(at).toISOString()}`),
    /** Bodies of the deliveries, oldest first. */
    // biome-ignore lint/suspicious/noExplicitAny: whatever a webhook holds
    bodies: async (): Promise<any[]> =>
      (
        await database.query<{ body: string }>(
          `select convert_from(m.body, 'UTF8') as body from alerting.delivery d join alerting.webhook_message m using (message_id)
            order by d.created_at, d.type, d.account_id`,
        )
      ).map(({ body }) => JSON.parse(body)),
  }
}
