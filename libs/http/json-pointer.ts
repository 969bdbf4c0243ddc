/** RFC 6901: `~` and `/` within a name are escaped. The empty path is the whole document. */
export const jsonPointer = (path: readonly PropertyKey[]): string =>
  path.map((name) => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** All mistakes of a document in one line. */
export const issuesText = (issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]) =>
  issues.map(({ path, message }) => `${jsonPointer(path)}: ${message}`).join('; ')
