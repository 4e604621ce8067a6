/** A parsed filter (RFC 7644, section 3.4.2.2). A path lists attribute names, the outermost first. */
export type Scalar = string | number | boolean | null

export type Comparator = 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le'

export interface Comparison {
  readonly op: Comparator
  readonly path: readonly string[]
  readonly value: Scalar
}

export interface Present {
  readonly op: 'pr'
  readonly path: readonly string[]
}

export type Filter =
  | Comparison
  | Present
  | { readonly op: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly op: 'not'; readonly filter: Filter }
  /** `path[filter]`: at least one value at the path matches the whole filter. */
  | { readonly op: 'some'; readonly path: readonly string[]; readonly filter: Filter }
