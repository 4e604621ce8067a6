/** What the tunnels of a connection, or those within a network, may use; the later in the list, the stricter. */
export const PATHS = ['auto', 'direct-only', 'relay-only'] as const

/** Which paths a tunnel may take. */
export type Paths = (typeof PATHS)[number]

/** Not being seen weighs more than saving relay: `relay-only` outdoes `direct-only`. */
export function strictestOf(all: Iterable<Paths>): Paths {
  let strictest: Paths = 'auto'
  for (const each of all) if (PATHS.indexOf(each) > PATHS.indexOf(strictest)) strictest = each
  return strictest
}
