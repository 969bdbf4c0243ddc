import type { FactorModel } from '#libs/contracts/health-model.ts'
import type { AccountView } from '../journey/account-view.ts'

export type FactorNeed = 'windowDays' | 'curve' | 'upTo' | 'beyond'

/** A factor's row in the model, with what the factor needs. */
type Row<Need extends FactorNeed, Setting extends string> = {
  readonly [Name in Need]: NonNullable<FactorModel[Name]>
} & { readonly settings: Readonly<Record<Setting, number>> }

type Definition<Need, Situation, Setting, FactorRow> = {
  readonly needs: readonly Need[]
  /** Situations whose points the row must name. */
  readonly situations?: readonly Situation[]
  readonly settings?: readonly Setting[]
  /** Earns points by the row's curve or steps. Null without a situation: no data. */
  readonly value: (view: AccountView, row: FactorRow) => number | null
  /** A situation has its own points, whatever the value. `beyond`: those past the last limit. */
  readonly situation?: (view: AccountView, row: FactorRow) => Situation | 'beyond' | null
  /** 0..1; absent: always 1. */
  readonly freshness?: (view: AccountView, row: FactorRow) => number
  /** Local days until time alone changes the points; asked only with data. `ages`: +1 a day. */
  readonly changesIn: 'ages' | ((view: AccountView, row: FactorRow, value: number) => number)
  /** Local days until time alone can bring data; absent: never. */
  readonly dataIn?: (view: AccountView, row: FactorRow) => number
}

export type Factor = Definition<FactorNeed, string, string, FactorModel>

/** Types the row. `validate-model.ts` checked that the row has what the factor needs. */
export const factor = <
  const Need extends FactorNeed = never,
  const Situation extends string = never,
  const Setting extends string = never,
>(
  definition: Definition<Need, Situation, Setting, Row<Need, Setting>>,
): Factor => definition as unknown as Factor

export const NEVER = Number.POSITIVE_INFINITY
