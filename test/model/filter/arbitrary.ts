import fc from 'fast-check'
import type { Filter, Scalar } from '../../../shared/model/filter/ast.ts'

const NAMES = ['a', 'b', 'level', 'tags']
const TEXTS = ['', 'a', 'ab', 'abc', 'b', 'é', '2026-01-02T03:04:05Z', '2026-01-02T04:04:05+01:00', '2026']
const NUMBERS = [-1.5, 0, 1, 2, 1e9]

export const arbitraryScalar: fc.Arbitrary<Scalar> = fc.oneof(
  fc.constantFrom<Scalar>(...TEXTS, ...NUMBERS, true, false, null),
)
const paths = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 2 })
const comparisons: fc.Arbitrary<Filter> = fc.oneof(
  fc.record({ op: fc.constantFrom('eq' as const, 'ne' as const), path: paths, value: arbitraryScalar }),
  fc.record({
    op: fc.constantFrom('co' as const, 'sw' as const, 'ew' as const),
    path: paths,
    value: fc.constantFrom<Scalar>(...TEXTS),
  }),
  fc.record({
    op: fc.constantFrom('gt' as const, 'ge' as const, 'lt' as const, 'le' as const),
    path: paths,
    value: fc.constantFrom<Scalar>(...TEXTS, ...NUMBERS),
  }),
  fc.record({ op: fc.constant('pr' as const), path: paths }),
)

export const arbitraryFilter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    comparisons,
    fc.record({ op: fc.constant('not' as const), filter: tie('filter') }),
    fc.record({ op: fc.constant('some' as const), path: paths, filter: tie('filter') }),
    fc
      .record({
        op: fc.constantFrom('and' as const, 'or' as const),
        filters: fc.array(tie('filter'), { minLength: 2, maxLength: 3 }),
      })
      .map(flattened),
  ),
})).filter

/** `a and (b and c)` parses as it is bracketed, and `(a and b) and c` parses as one list. Only the second is generated here. */
function flattened({ op, filters }: { op: 'and' | 'or'; filters: Filter[] }): Filter {
  const [first, ...rest] = filters
  return first !== undefined && first.op === op
    ? { op, filters: [...first.filters, ...rest] }
    : { op, filters }
}

const deep = fc.oneof(arbitraryScalar, fc.array(arbitraryScalar, { maxLength: 3 }))
export const arbitraryRecord = fc.dictionary(
  fc.constantFrom(...NAMES),
  fc.oneof(deep, fc.dictionary(fc.constantFrom(...NAMES), deep, { maxKeys: 2, noNullPrototype: true })),
  { maxKeys: 4, noNullPrototype: true },
)

export function written(filter: Filter): string {
  switch (filter.op) {
    case 'and':
    case 'or':
      return filter.filters.map((part) => bracketed(part)).join(` ${filter.op} `)
    case 'not':
      return `not (${written(filter.filter)})`
    case 'some':
      return `${filter.path.join('.')}[${written(filter.filter)}]`
    case 'pr':
      return `${filter.path.join('.')} pr`
    default:
      return `${filter.path.join('.')} ${filter.op} ${JSON.stringify(filter.value)}`
  }
}

function bracketed(part: Filter): string {
  return part.op === 'and' || part.op === 'or' ? `(${written(part)})` : written(part)
}
