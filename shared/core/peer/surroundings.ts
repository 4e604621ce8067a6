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
  /** Lock shared by all endpoints behind one router. Default: a lock of its own. */
  readonly turn?: Turn | undefined
}

/** State shared by the tunnels of an endpoint: the host's addresses, its NAT, the STUN servers, its sockets. */
export class Surroundings {
  readonly random: Random
  readonly scatter: boolean
  readonly turn: Turn
  readonly book: SocketBook
  readonly emit: (effect: TunnelsEffect) => void
  /** Addresses of the host, without a port. */
  ips: readonly Address[] = []
  stun: readonly StunServer[] = []
  /** UDP is known to be dropped here. */
  udpBlocked = false
  /** Class of the NAT, from the NAT survey and from each tunnel. */
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

  /** Class of the NAT that a tunnel may expect; undefined if it is unknown or the tunnel does not need it. */
  natFor(paths: Paths): NatClass | undefined {
    return paths === 'relay-only' || this.udpBlocked ? undefined : this.nat
  }

  /** False if the nodes are on this machine, or if no direct path is wanted. */
  isRouterOnTheWay(paths: Paths): boolean {
    return paths !== 'relay-only' && this.stun.some(({ primary }) => !isLoopback(primary.words))
  }

  surveyed({ mapping, filtering, allocation, forgiving, hairpin, hops }: NatFindings): void {
    const known = { mapping, filtering, allocation, forgiving, hairpin }
    this.nat = { ...known, hops: hops || (this.nat?.hops ?? 0) }
  }

  /**
   * Takes over what a tunnel found. A tunnel cannot test some traits, and does not always measure hops: these are kept.
   */
  learned(nat: NatClass): void {
    const { forgiving, hairpin, hops } = this.nat ?? nat
    this.nat = { ...nat, forgiving, hairpin, hops: nat.hops || hops }
  }
}
