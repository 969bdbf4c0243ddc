import type { FactorModel, GroupModel, Model } from '#libs/contracts/health-model.ts'
import type { ErrorDetail } from '#libs/runtime/errors.ts'
import { FACTORS } from '../core/factors/factor-table.ts'

const SUM = 100
/** Floating point: 33.3 + 33.3 + 33.4 is not exactly 100. */
const SUM_TOLERANCE = 1e-6

/** Checks that a schema cannot express: sums, order, needs of each factor. */
export const modelProblems = (model: Model): readonly ErrorDetail[] => [
  ...repeated(model.groups, '/groups'),
  ...repeated(model.caps, '/caps'),
  ...(['onboarding', 'adoption', 'renewal'] as const).flatMap((stage) =>
    sumProblem(
      model.groups.map(({ weights }) => weights[stage]),
      '/groups',
      `the weights of stage ${stage}`,
    ),
  ),
  ...model.groups.flatMap((group, index) => groupProblems(group, `/groups/${index}`)),
  ...bandProblems(model),
  ...segmentProblems(model),
  ...(model.silence.minDays > model.silence.maxDays
    ? [problem('/silence/minDays', 'out_of_order', 'minDays must not be above maxDays')]
    : []),
  ...orderProblem(model.expansion.health, '/expansion/health'),
  ...orderProblem(model.expansion.use, '/expansion/use'),
  ...(['health', 'trend', 'renewal'] as const).flatMap((name) =>
    orderProblem(model.renewalRisk[name], `/renewalRisk/${name}`),
  ),
  ...(model.renewalRisk.elevatedFrom > model.renewalRisk.highFrom
    ? [problem('/renewalRisk/elevatedFrom', 'out_of_order', 'elevatedFrom must not be above highFrom')]
    : []),
]

const problem = (pointer: string, code: string, detail: string): ErrorDetail => ({ pointer, code, detail })

const repeated = (list: readonly { readonly name: string }[], pointer: string): ErrorDetail[] =>
  list.flatMap(({ name }, index) =>
    list.findIndex((other) => other.name === name) < index
      ? [problem(`${pointer}/${index}/name`, 'repeated', `${name} is listed twice`)]
      : [],
  )

const sumProblem = (weights: readonly number[], pointer: string, what: string): ErrorDetail[] => {
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return Math.abs(sum - SUM) <= SUM_TOLERANCE ? [] : [problem(pointer, 'sum_not_100', `${what} sum to ${sum}, not 100`)]
}

const groupProblems = (group: GroupModel, pointer: string): ErrorDetail[] => [
  ...repeated(group.factors, `${pointer}/factors`),
  ...sumProblem(
    group.factors.map(({ weight }) => weight),
    `${pointer}/factors`,
    `the weights of group ${group.name}`,
  ),
  ...group.factors.flatMap((factor, index) => factorProblems(factor, group, `${pointer}/factors/${index}`)),
]

const factorProblems = (factor: FactorModel, group: GroupModel, pointer: string): ErrorDetail[] => {
  const definition = FACTORS[factor.name]
  const home = factor.name.split('.')[0]
  const missing = [
    ...definition.needs.filter((need) => factor[need] === undefined),
    ...(definition.situations ?? [])
      .filter((name) => factor.points?.[name] === undefined)
      .map((name) => `points/${name}`),
    ...(definition.settings ?? [])
      .filter((name) => factor.settings?.[name] === undefined)
      .map((name) => `settings/${name}`),
  ]
  return [
    ...missing.map((path) => problem(`${pointer}/${path}`, 'required', `${factor.name} needs ${path}`)),
    ...(home === group.name
      ? []
      : [problem(`${pointer}/name`, 'wrong_group', `${factor.name} belongs to group ${home}`)]),
    ...orderProblem(factor.curve, `${pointer}/curve`),
    ...orderProblem(factor.upTo, `${pointer}/upTo`),
    ...settingProblems(factor, pointer),
  ]
}

const orderProblem = (anchors: FactorModel['curve'], pointer: string): ErrorDetail[] =>
  (anchors ?? []).flatMap(([value], index) =>
    index > 0 && value <= anchors![index - 1]![0]
      ? [problem(`${pointer}/${index}/0`, 'out_of_order', 'values must ascend')]
      : [],
  )

/** Days are whole and bounded, like the counters behind them. */
const settingProblems = ({ settings, windowDays }: FactorModel, pointer: string): ErrorDetail[] =>
  Object.entries(settings ?? {}).flatMap(([name, value]) => {
    const at = `${pointer}/settings/${name}`
    if (value < 0) return [problem(at, 'too_small', 'must not be negative')]
    if (!name.endsWith('Days')) return []
    if (!Number.isInteger(value) || value > 400)
      return [problem(at, 'invalid_days', 'must be a whole number up to 400')]
    if (name !== 'graceDays' && value === 0) return [problem(at, 'too_small', 'must be 1 or more')]
    return name === 'freshDays' && windowDays !== undefined && value >= windowDays
      ? [problem(at, 'too_big', 'must be less than windowDays')]
      : []
  })

const segmentProblems = ({ id, segment }: Model): ErrorDetail[] => {
  if (id === 'default')
    return segment === undefined
      ? []
      : [problem('/segment', 'not_allowed', 'the default model must not have a segment')]
  return segment === undefined
    ? [problem('/segment', 'required', 'every model except default must have a segment')]
    : []
}

const bandProblems = ({ bands }: Model): ErrorDetail[] =>
  bands.atRisk < bands.watch && bands.watch < bands.healthy
    ? []
    : [problem('/bands', 'out_of_order', 'atRisk, watch and healthy must ascend')]
