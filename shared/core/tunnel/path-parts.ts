/** The parts that keep, prove, choose and use the paths of one tunnel. Each takes only the parts that it needs. */
import type { Random } from '../../crypto/random.ts'
import { Choice } from './choice.ts'
import type { Packets } from './packets.ts'
import { PathBook } from './path-book.ts'
import { Probes } from './probes.ts'
import { Prover } from './prover.ts'
import { RelayPaths } from './relay-paths.ts'
import { Sender } from './sender.ts'
import { OWN_SOCKET } from './sockets.ts'
import { Targets } from './targets.ts'

export interface PathParts {
  readonly book: PathBook
  readonly probes: Probes
  readonly targets: Targets
  readonly prover: Prover
  readonly choice: Choice
  readonly sender: Sender
  readonly relays: RelayPaths
}

/** `random`: for the ids of probes. */
export function pathParts(packets: Packets, directAllowed: boolean, random: Random): PathParts {
  const book = new PathBook(directAllowed)
  const probes = new Probes(packets, random)
  const targets = new Targets(book, probes, directAllowed)
  const choice = new Choice(book)
  const sender = new Sender(packets, choice)
  const prover = new Prover(book, probes, choice, sender)
  const relays = new RelayPaths(book, prover, OWN_SOCKET)
  return { book, probes, targets, prover, choice, sender, relays }
}
