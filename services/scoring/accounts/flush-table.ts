import { type ArrayColumn, createNumberColumn, createTextColumn } from '#libs/postgres/array-column.ts'
import type { Blob } from '#libs/postgres/blob.ts'

/** Values that a column takes from a row. An instant is in milliseconds, JSON is a text. */
type Values = {
  text: string | null
  jsonb: string | null
  page_kind: string
  int2: number
  int4: number | null
  int8: number | null
  float8: number | null
  timestamptz: number | null
  bytea: Buffer
}

/** One column of a table: how its value is read from a row. Its SQL is generated. */
export type Column<Row> = {
  readonly [Type in keyof Values]: {
    readonly name: string
    readonly type: Type
    readonly of: (row: Row) => Values[Type]
  }
}[keyof Values]

export type Columns<Row> = readonly Column<Row>[]

/** The parameter with all bytes of a flush: nothing long is copied or escaped twice. */
export const BLOB_PARAMETER = 2

type ElementType = 'text' | Parameters<typeof createNumberColumn>[0]
/** Type of the arrays that a column travels in, and the SQL that makes its value of an element. */
const TYPES: Readonly<Record<keyof Values, { readonly element: ElementType; readonly sql: (name: string) => string }>> =
  {
    text: { element: 'text', sql: (name) => name },
    jsonb: { element: 'text', sql: (name) => `${name}::jsonb` },
    page_kind: { element: 'text', sql: (name) => `${name}::scoring.page_kind` },
    int2: { element: 'int2', sql: (name) => name },
    int4: { element: 'int4', sql: (name) => name },
    int8: { element: 'int8', sql: (name) => name },
    float8: { element: 'float8', sql: (name) => name },
    timestamptz: { element: 'float8', sql: (name) => `to_timestamp(${name} / 1000)` },
    bytea: {
      element: 'int4',
      sql: (name) => `substring($${BLOB_PARAMETER}::bytea from ${name}_at + 1 for ${name}_length)`,
    },
  }

/** Bytes travel as a place in the blob, everything else as one element. */
const elementsOf = ({ name, type }: Column<never>): readonly string[] =>
  type === 'bytea' ? [`${name}_at`, `${name}_length`] : [name]

export const namesOf = (columns: Columns<never>): string => columns.map(({ name }) => name).join(', ')

/** The values of all columns, of the rows that `unnestOf` names `alias`. */
export const valuesOf = (columns: Columns<never>, alias: string): string =>
  columns.map(({ name, type }) => TYPES[type].sql(`${alias}.${name}`)).join(', ')

export const assignmentsOf = (columns: Columns<never>, alias: string): string =>
  columns.map(({ name, type }) => `${name} = ${TYPES[type].sql(`${alias}.${name}`)}`).join(', ')

/** The arrays of a table as rows. `first` is the number of the first array's parameter. */
export const unnestOf = (columns: Columns<never>, first: number, alias: string): string => {
  const types = columns.flatMap((column) => elementsOf(column).map(() => TYPES[column.type].element))
  const parameters = types.map((type, i) => `$${first + i}::${type}[]`)
  return `unnest(${parameters.join(', ')}) as ${alias} (${columns.flatMap(elementsOf).join(', ')})`
}

export const parametersOf = (columns: Columns<never>): number => columns.flatMap(elementsOf).length

/** The rows of one table as the arrays that `unnestOf` takes. */
export type TableRows<Row> = {
  readonly add: (row: Row) => void
  /** In the order of the parameters; valid until the next `add` or `clear`. */
  readonly arrays: () => Buffer[]
  readonly clear: () => void
}

export const createTableRows = <Row>(columns: Columns<Row>, blob: Blob): TableRows<Row> => {
  const arrays: ArrayColumn<never>[] = []
  const createArray = (element: ElementType): ArrayColumn<never> => {
    const array: ArrayColumn<never> = element === 'text' ? createTextColumn() : createNumberColumn(element)
    arrays.push(array)
    return array
  }
  const values = columns.map(({ of }) => of)
  const pushes = columns.map(({ type }): ((value: never) => void) => {
    const array = createArray(TYPES[type].element)
    if (type !== 'bytea') return array.push
    const lengths = createArray(TYPES[type].element)
    return (bytes: Buffer) => {
      array.push(blob.append(bytes) as never)
      lengths.push(bytes.length as never)
    }
  })
  return {
    add: (row) => {
      for (let i = 0; i < pushes.length; i++) pushes[i]!(values[i]!(row) as never)
    },
    arrays: () => arrays.map((array) => array.bytes()),
    clear: () => {
      for (const array of arrays) array.clear()
    },
  }
}
