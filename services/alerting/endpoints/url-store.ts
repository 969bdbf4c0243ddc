import type { Sql } from '#libs/postgres/database.ts'
import type { StoredUrl, UrlSeal } from './sealed-url.ts'

/**
 * Stores URLs as they are to be stored now: seals plain ones and those of a former key, or opens
 * what is sealed. Returns their number. A random order: those that no key opens hold up no others.
 */
export const restoreUrls = async (sql: Sql, urls: UrlSeal, limit: number): Promise<number> => {
  const rows = await sql.query<StoredUrl & { readonly endpointId: string }>(
    `select endpoint_id as "endpointId", url, url_sealed as "urlSealed" from alerting.webhook_endpoint
      where case when $1::bytea is null then url_sealed is not null
                 else url !~* '^[a-z]+://sealed@' or substring(url_sealed for 4) is distinct from $1 end
      order by random() limit $2`,
    [urls.keyId, limit],
  )
  let restored = 0
  for (const { endpointId, ...before } of rows) {
    const url = urls.open(before, endpointId)
    if (url === undefined) continue
    restored++
    const { url: text, urlSealed } = urls.store(url, endpointId)
    await sql.query(
      `update alerting.webhook_endpoint set url = $2, url_sealed = $3
        where endpoint_id = $1 and url = $4 and url_sealed is not distinct from $5`,
      [endpointId, text, urlSealed, before.url, before.urlSealed],
    )
  }
  return restored
}
