import type { Random } from '../../crypto/random.ts'
import type { Paths } from '../../paths.ts'
import { type Address, isLoopback } from '../../wire/address.ts'
import type { StunServer } from '../tunnel/evidence.ts'
import type { NatClass } from '../tunnel/nat-class.ts'
import type { TunnelsEffect } from './events.ts'
import type { NatFindings } from './nat-survey.ts'
import { SocketBook } from './socket-book.ts'
import { Turn } from './turn.ts'

export interface SurroundingsOptions {
  readonly random: Random
  /** False: no tunnel takes part in `scatter`. Default true. */
  readonly scatter?: boolean | undefined
  /** Shared by all endpoints behind one router. Default: one of its own. */
  readonly turn?: Turn | undefined
}

/** What the tunnels of an endpoint share: the host, its NAT, the servers around it, its sockets. */
export class Surroundings {
  readonly random: Random
  readonly scatter: boolean
  readonly turn: Turn
  readonly book: SocketBook
  readonly emit: (effect: TunnelsEffect) => void
  /** Of the host, without a port. */
  ips: readonly Address[] = []
  stun: readonly StunServer[] = []
  /** UDP is dropped here, as far as is known. */
  udpBlocked = false
  /** What is known of the NAT: from a look at it, and from each tunnel. */
  nat: NatClass | undefined

  constructor(
    { random, scatter = true, turn = new Turn() }: SurroundingsOptions,
    emit: (effect: TunnelsEffect) => void,
  ) {
    this.random = random
    this.scatter = scatter
    this.turn = turn
    this.book = new SocketBook(emit)
    this.emit = emit
  }

  /** What a tunnel's socket may expect in front of it; undefined if that is not known, or does not serve the tunnel. */
  natFor(paths: Paths): NatClass | undefined {
    return paths === 'relay-only' || this.udpBlocked ? undefined : this.nat
  }

  /** Not if the nodes are on this machine, nor if no direct path is wanted. */
  isRouterOnTheWay(paths: Paths): boolean {
    return paths !== 'relay-only' && this.stun.some(({ primary }) => !isLoopback(primary.words))
  }

  surveyed({ mapping, filtering, allocation, forgiving, hairpin, hops }: NatFindings): void {
    const known = { mapping, filtering, allocation, forgiving, hairpin }
    this.nat = { ...known, hops: hops || (this.nat?.hops ?? 0) }
  }

  /** A tunnel's socket does not know what only a socket of its own can find out, and does not always ask for hops. */
  learned(nat: NatClass): void {
    const { forgiving, hairpin, hops } = this.nat ?? nat
    this.nat = { ...nat, forgiving, hairpin, hops: nat.hops || hops }
  }
}
