/**
 * A count per local day, ascending, without zeros. Only the `keepDays` newest days are kept,
 * back from the newest day ever added: order of arrival does not matter.
 */
export type DayCounts = { days: number[]; counts: number[] }

/** Most series of most accounts are empty: until the first day comes they share their lists. */
const NO_DAYS = Object.freeze([]) as unknown as number[]

export const createDayCounts = (): DayCounts => ({ days: NO_DAYS, counts: NO_DAYS })

const indexOfDay = (days: readonly number[], day: number): number => {
  let index = days.length - 1
  while (index >= 0 && days[index]! > day) index -= 1
  return index
}

export const addToDay = (series: DayCounts, day: number, amount: number, keepDays: number): void => {
  const { days, counts } = series
  if (days.length === 0) {
    // Lists grown from nothing would have room for 17 days at once.
    series.days = [day]
    series.counts = [amount]
    return
  }
  const newest = days[days.length - 1]!
  if (day > newest) {
    days.push(day)
    counts.push(amount)
    let dropped = 0
    while (days[dropped]! <= day - keepDays) dropped += 1
    if (dropped > 0) {
      days.splice(0, dropped)
      counts.splice(0, dropped)
    }
    return
  }
  if (day <= newest - keepDays) return
  const index = indexOfDay(days, day)
  if (index >= 0 && days[index] === day) counts[index]! += amount
  else {
    days.splice(index + 1, 0, day)
    counts.splice(index + 1, 0, amount)
  }
}

/** Takes one from a day; a dropped day, or a day without a count, stays absent. */
export const takeFromDay = (series: DayCounts, day: number): void => {
  const { days, counts } = series
  const index = indexOfDay(days, day)
  if (index < 0 || days[index] !== day) return
  counts[index]! -= 1
  if (counts[index] === 0) {
    days.splice(index, 1)
    counts.splice(index, 1)
  }
}

/** Adds an amount of either sign, without a bound on days; a day that sums to 0 is left out. */
export const changeDay = (series: DayCounts, day: number, amount: number): void => {
  if (amount === 0) return
  const index = indexOfDay(series.days, day)
  if (index < 0 || series.days[index] !== day) {
    series.days = series.days.toSpliced(index + 1, 0, day)
    series.counts = series.counts.toSpliced(index + 1, 0, amount)
    return
  }
  series.counts[index]! += amount
  if (series.counts[index] !== 0) return
  series.days.splice(index, 1)
  series.counts.splice(index, 1)
}

/** Drops that day and all before it. */
export const dropUpToDay = (series: DayCounts, day: number): void => {
  let dropped = 0
  while (series.days[dropped]! <= day) dropped += 1
  if (dropped === 0) return
  series.days.splice(0, dropped)
  series.counts.splice(0, dropped)
}

/** Both days are included. */
export const sumOfDays = (series: DayCounts, fromDay: number, toDay: number): number => {
  const { days, counts } = series
  let sum = 0
  for (let index = days.length - 1; index >= 0 && days[index]! >= fromDay; index -= 1) {
    if (days[index]! <= toDay) sum += counts[index]!
  }
  return sum
}

/** The first of these ascending days from `fromDay` on; Infinity: none. */
export const firstDayFrom = (days: readonly number[], fromDay: number): number => {
  let index = days.length
  while (index > 0 && days[index - 1]! >= fromDay) index -= 1
  return days[index] ?? Number.POSITIVE_INFINITY
}

/** As `addToDay`, for an ascending list without repetition. */
export const addDay = (days: number[], day: number, keepDays: number): void => {
  const newest = days.length === 0 ? Number.NEGATIVE_INFINITY : days[days.length - 1]!
  if (day === newest || day <= newest - keepDays) return
  if (day > newest) {
    days.push(day)
    let dropped = 0
    while (days[dropped]! <= day - keepDays) dropped += 1
    if (dropped > 0) days.splice(0, dropped)
    return
  }
  const index = indexOfDay(days, day)
  if (index < 0 || days[index] !== day) days.splice(index + 1, 0, day)
}
