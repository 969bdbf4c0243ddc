/** Reads what Pulso shows to anybody with a key, all pages of it. */
export type ApiReader = {
  readonly get: <Body>(url: string) => Promise<Body | undefined>
  readonly all: <Item>(url: string) => Promise<Item[]>
}

export const createApiReader = (key: string): ApiReader => {
  const get = async <Body>(url: string): Promise<Body | undefined> => {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
    const text = await answer.text()
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw new Error(`GET ${url}: ${answer.status} ${text}`)
    return JSON.parse(text) as Body
  }
  return {
    get,
    all: async <Item>(url: string) => {
      const items: Item[] = []
      let cursor: string | null = null
      do {
        const separator = url.includes('?') ? '&' : '?'
        const page: { items: Item[]; nextCursor: string | null } | undefined = await get(
          `${url}${separator}limit=500${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
        )
        items.push(...(page?.items ?? []))
        cursor = page?.nextCursor ?? null
      } while (cursor !== null)
      return items
    },
  }
}
