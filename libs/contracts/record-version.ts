/** Version of the records that this release writes. A record that names none is of version 1. */
const RECORD_VERSION = 1

/** One object for all records: the adapters of the bus encode it once. */
export const RECORD_HEADERS = { version: String(RECORD_VERSION) } as const

/**
 * Whether a newer release wrote the record. It is read as far as this release knows it, and never
 * dead-lettered for its number. Another program's header of that name may hold anything.
 */
export const isOfNewerRelease = (version: string | undefined): boolean =>
  version !== undefined &&
  version !== RECORD_HEADERS.version &&
  /^\d{1,9}$/.test(version) &&
  Number(version) > RECORD_VERSION
