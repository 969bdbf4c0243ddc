/** One unit = 1e-4 points. Within 1e-9 points of a tie counts as a tie. */
export const UNITS_PER_POINT = 10_000
const TIE_UNITS = 1e-5
/** Room for the remainders of a usual model. */
const scratch = new Float64Array(32)

/** Whole units of a number, half away from zero. */
export const toUnits = (value: number): number => {
  const units = Math.floor(Math.abs(value) * UNITS_PER_POINT + 0.5 + TIE_UNITS)
  return value < 0 ? -units || 0 : units
}

/** 4 decimals, half away from zero. */
export const round4 = (value: number): number => toUnits(value) / UNITS_PER_POINT

/**
 * Whole units for parts that must sum to `total`: each gets the floor of its exact value, the
 * largest remainders one more, ties in order. The parts (points) sum to the total, up to rounding.
 */
export const shareUnits = (parts: readonly number[], total: number): number[] => {
  const units: number[] = []
  const remainders = parts.length <= scratch.length ? scratch : new Float64Array(parts.length)
  let left = total
  for (let index = 0; index < parts.length; index += 1) {
    const exact = parts[index]! * UNITS_PER_POINT
    const floor = Math.floor(exact + TIE_UNITS)
    units.push(floor)
    remainders[index] = exact - floor
    left -= floor
  }
  for (; left > 0; left -= 1) {
    let best = 0
    for (let index = 1; index < parts.length; index += 1) {
      if (remainders[index]! > remainders[best]! + TIE_UNITS) best = index
    }
    units[best]! += 1
    remainders[best] = Number.NEGATIVE_INFINITY
  }
  return units
}
