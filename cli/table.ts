/** Answers of INDEX as text for people: a table of a listing, lines of a single record. */
const WIDEST = 60

/** One line for each record, under a line of names. Columns that no record has are left out. */
export function tableOf(items: readonly object[], columns: readonly string[]): readonly string[] {
  const names = inOrder(new Set(items.flatMap((item) => Object.keys(item))), columns)
  const rows = items.map((item) => names.map((name) => cellOf(name, new Map(Object.entries(item)).get(name))))
  const widths = names.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)))
  return [names, ...rows].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  )
}

/** One line for each field. */
export function linesOf(record: object, columns: readonly string[]): readonly string[] {
  const fields = new Map<string, unknown>(Object.entries(record))
  const names = inOrder(new Set(fields.keys()), columns)
  const width = Math.max(0, ...names.map((name) => name.length))
  return names.map((name) => `${name.padEnd(width)}  ${textOf(name, fields.get(name))}`)
}

/** The order of fields in an answer means nothing: the tables keep none. */
const inOrder = (names: ReadonlySet<string>, columns: readonly string[]): readonly string[] => [
  ...columns.filter((name) => names.has(name)),
  ...[...names].filter((name) => !columns.includes(name)),
]

const cellOf = (name: string, value: unknown): string => {
  const text = textOf(name, value)
  return text.length > WIDEST ? `${text.slice(0, WIDEST - 1)}…` : text
}

function textOf(name: string, value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'number' && /(^a|A)t$/.test(name) && value > 0) return new Date(value).toISOString()
  return typeof value === 'string' ? value : JSON.stringify(value)
}
