/** RFC 6901: `~` and `/` within a name are escaped. The empty path is the whole document. */
export const jsonPointer = (path: readonly PropertyKey[]): string =>
  path.map((name) => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
