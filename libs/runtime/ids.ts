import { v5, v7 } from 'uuid'

/** Pulso's own UUIDv5 namespace: the same things get the same id in every installation. */
const NAMESPACE = '6f1c8a52-3f0e-5d0b-9a77-6a2f4c1d9e10'

/** An id that depends only on its parts, so that doing the same thing again finds the same row. Each part is length-prefixed: no separator can be confused. */
export const derivedId = (...parts: readonly (string | number)[]): string =>
  v5(parts.map((part) => `${String(part).length}:${part}`).join(''), NAMESPACE)

/** A new id, ordered by time. */
export const newId = (): string => v7()
