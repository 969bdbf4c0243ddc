/** Anchors `[value, points]`, values ascending. Between two anchors the points lie on the line, outside they are those of the nearest. */
export type Curve = readonly (readonly [value: number, points: number])[]

export const pointsAt = (curve: Curve, value: number): number => {
  const first = curve[0]!
  if (value <= first[0]) return first[1]
  for (let index = 1; index < curve.length; index += 1) {
    const [x1, y1] = curve[index]!
    if (value <= x1) {
      const [x0, y0] = curve[index - 1]!
      return value === x1 ? y1 : y0 + ((y1 - y0) * (value - x0)) / (x1 - x0)
    }
  }
  return curve[curve.length - 1]![1]
}

/** For a value that grows by one each day: in how many days the points first differ; Infinity when never. */
export const daysToMove = (curve: Curve, value: number): number => {
  const points = pointsAt(curve, value)
  if (pointsAt(curve, value + 1) !== points) return 1
  for (const [anchor] of curve) {
    const days = Math.floor(anchor - value) + 1
    if (days > 1 && pointsAt(curve, value + days) !== points) return days
  }
  return Number.POSITIVE_INFINITY
}

/** `[limit, points]`, limits ascending: the points of the first limit that the value does not pass, else `beyond`. */
export type Steps = { readonly upTo: Curve; readonly beyond: number }

export const pointsOfStep = (steps: Steps, value: number): number => {
  for (const [limit, points] of steps.upTo) if (value <= limit) return points
  return steps.beyond
}

/** As `daysToMove`, for steps. */
export const daysToNextStep = (steps: Steps, value: number): number => {
  for (const [limit] of steps.upTo) if (value <= limit) return Math.floor(limit - value) + 1
  return Number.POSITIVE_INFINITY
}
