import type { Sql } from '#libs/postgres/database.ts'
import type { NotificationPolicy } from '../core/alert/notification-policy.ts'
import type { Outage } from '../core/alert/outage.ts'
import type { RuleInForce } from '../core/alert/rule-states.ts'
import type { Silence } from '../core/alert/silence.ts'
import { policiesOf } from '../policy/policy-store.ts'
import { silencesOf } from '../policy/silence-store.ts'
import type { RuleCatalog } from '../rules/rule-store.ts'
import { outagesOf } from './monitor-store.ts'

type ByTenant<Value> = ReadonlyMap<string, Value>

export type TenantContexts = {
  readonly rules: ByTenant<readonly RuleInForce[]>
  readonly silences: ByTenant<readonly Silence[]>
  readonly outages: ByTenant<readonly Outage[]>
  readonly policies: ByTenant<NotificationPolicy>
}

/** Reads, once per transaction, what decides about all alerts of these tenants at `since` and later. */
export const readTenants = async (
  tx: Sql,
  ruleCatalog: RuleCatalog,
  subjects: readonly { readonly tenantId: string }[],
  since: number,
): Promise<TenantContexts> => {
  const tenantIds = [...new Set(subjects.map(({ tenantId }) => tenantId))]
  return {
    rules: await ruleCatalog.rulesInForce(tx, tenantIds),
    silences: await silencesOf(tx, tenantIds, since),
    outages: await outagesOf(tx, tenantIds),
    policies: await policiesOf(tx, tenantIds),
  }
}
