import { PARTS, type Row } from './measures.ts'

/** The output of one part, and where it was printed. */
export interface Kept {
  readonly at: string
  readonly machine: string
  /** Load average of the last five minutes, this benchmark included. */
  readonly loadAverage: number
  readonly output: unknown
}

/** Above this load average other work took part of the cores. The benchmarks themselves keep two or three processes busy. */
const BUSY = 3.5

export interface JudgedRow extends Row {
  readonly part: string
  readonly isBusy: boolean
  /** How far from its bound: 1 is at the bound, less is better. Undefined without a bound. */
  readonly distance?: number
}

export function rowsOf(kept: Readonly<Record<string, Kept>>): readonly JudgedRow[] {
  return PARTS.flatMap(({ name, rows }) => {
    const one = kept[name]
    if (one === undefined) return []
    return rows(one.output as never).map((row) => ({
      ...row,
      part: name,
      isBusy: one.loadAverage > BUSY,
      ...(row.bound && { distance: distanceOf(row.value, row.bound) }),
    }))
  })
}

function distanceOf(value: number, { kind, value: bound }: NonNullable<Row['bound']>): number {
  return kind === 'at most' ? value / bound : bound / value
}
