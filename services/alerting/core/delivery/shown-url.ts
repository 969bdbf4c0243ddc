/** Below this length, three characters would tell too much of what is hidden. */
const HINT_FROM = 12
const HINT_LENGTH = 3
const HIDDEN = '/…'
/** No endpoint's URL may have a user: a sender refuses what bears this one, older code too. */
const PLACEHOLDER = /^([a-z]+:\/\/)sealed@/i

/**
 * A webhook URL as people and keys may see it. Path and query are often the receiver's secret:
 * `https://hooks.slack.com/services/T0/B0/abcXy9` -> `https://hooks.slack.com/…Xy9`.
 * The bare path `/` hides nothing and is shown.
 */
export const shownUrl = (text: string): string => {
  if (isPlaceholder(text)) return text.replace(PLACEHOLDER, '$1')
  const { origin, pathname, search } = new URL(text)
  const hidden = pathname + search
  if (hidden === '/') return `${origin}/`
  return origin + HIDDEN + (hidden.length >= HINT_FROM ? hidden.slice(-HINT_LENGTH) : '')
}

/**
 * Stands for a URL that is sealed: `https://sealed@hooks.slack.com/…Xy9`. Without the user, code
 * that does not know of seals would call a path that is not the receiver's.
 */
export const placeholderOf = (url: string): string => shownUrl(url).replace('//', '//sealed@')

export const isPlaceholder = (text: string): boolean => PLACEHOLDER.test(text)

/** True of a text that `shownUrl` makes: nobody can be called by it. */
export const hidesItsPath = (text: string): boolean => /^[a-z]+:\/\/[^/?#]+\/…/i.test(text)
