/** The path policies of a connection or a network, from the least to the most strict. */
export const PATHS = ['auto', 'direct-only', 'relay-only'] as const

/** The paths that a tunnel may use. */
export type Paths = (typeof PATHS)[number]

/** Returns the strictest policy, `auto` if there is none. `relay-only` wins over `direct-only`: privacy outweighs relay cost. */
export function strictestOf(all: Iterable<Paths>): Paths {
  let strictest: Paths = 'auto'
  for (const each of all) if (PATHS.indexOf(each) > PATHS.indexOf(strictest)) strictest = each
  return strictest
}
