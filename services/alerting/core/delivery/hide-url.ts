/** Shorter parts are words like `hooks`: hiding them would spoil an answer and protect nothing. */
const SHORTEST_PART = 8

/**
 * A receiver's answer without the path and the query of its URL, which many quote in their error
 * pages: `Cannot POST /services/T0/B0/abcXy9` -> `Cannot POST …`.
 */
export const hideUrl = (answer: string, url: string): string => {
  const { pathname, search, searchParams } = new URL(url)
  const whole = [pathname + search, pathname, search, search.slice(1)].filter((text) => text.length > 1)
  const parts = [...pathname.split('/'), ...searchParams.keys(), ...searchParams.values()]
  const forms = [...whole, ...parts.filter((part) => part.length >= SHORTEST_PART)].flatMap(formsOf)
  // The longest first: a part inside a longer one would leave the rest of it.
  return [...new Set(forms)]
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, form) => text.replaceAll(form, '…'), answer)
}

/** As it stands in the URL, decoded, encoded, in HTML, and in JSON that escapes slashes. */
const formsOf = (text: string): readonly string[] =>
  [text, decoded(text), encodeURIComponent(text), encodeURIComponent(decoded(text))].flatMap((form) => [
    form,
    form.replaceAll('&', '&amp;'),
    form.replaceAll('/', '\\/'),
  ])

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
