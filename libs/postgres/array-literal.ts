/**
 * Array parameters in PostgreSQL's text form, for statements with thousands of values: the driver's
 * own conversion costs several times more. Cold paths pass JS arrays. The statement casts the text:
 * `unnest($1::text[])`.
 */
export const numberArray = (values: readonly (number | null)[]): string => {
  let text = '{'
  for (let i = 0; i < values.length; i++) text += i === 0 ? (values[i] ?? 'NULL') : `,${values[i] ?? 'NULL'}`
  return `${text}}`
}

export const textArray = (values: readonly (string | null)[]): string => {
  let text = '{'
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (i > 0) text += ','
    text += value === null || value === undefined ? 'NULL' : `"${escaped(value)}"`
  }
  return `${text}}`
}

const escaped = (value: string): string => (/["\\]/.test(value) ? value.replace(/["\\]/g, '\\$&') : value)
