/**
 * What a new tunnel may expect of the NAT in front of this host: found out in the background while the peer signs in, when it
 * is online again, and after each change of the network, and by each tunnel.
 */
import type { Evidenced, StunServer } from '../shared/core/tunnel/evidence.ts'
import type { NatClass } from '../shared/core/tunnel/nat-class.ts'
import { gatherEvidence } from './nat-evidence.ts'

export class NatWatch {
  readonly #stun: () => readonly StunServer[]
  readonly #fault: (error: unknown) => void
  #known: NatClass | undefined
  /** Networks that this host was in. */
  #networks = 0
  #isLooking = false

  constructor(stun: () => readonly StunServer[], fault: (error: unknown) => void) {
    this.#stun = stun
    this.#fault = fault
  }

  get known(): NatClass | undefined {
    return this.#known
  }

  /** Begins afresh: what was known may hold no more. */
  look(): void {
    this.#known = undefined
    this.#isLooking = true
    const network = ++this.#networks
    const found = ({ mapping, filtering, allocation, forgiving, hairpin }: Evidenced, hops: number) => {
      if (network !== this.#networks) return
      this.#isLooking = false
      this.#known = {
        mapping,
        filtering,
        allocation,
        forgiving,
        hairpin,
        hops: hops || (this.#known?.hops ?? 0),
      }
    }
    gatherEvidence(this.#stun(), (evidence) => found(evidence, 0)).then(
      (evidence) => found(evidence, evidence.hops),
      this.#fault,
    )
  }

  /** Unless it is known, or being found out. */
  ensure(): void {
    const isKnown = this.#known !== undefined && this.#known.mapping !== 'unknown'
    if (!isKnown && !this.#isLooking) this.look()
  }

  /** By a tunnel, which does not know what only a socket of its own can find out, and does not always ask for hops. */
  learned(nat: NatClass): void {
    const { forgiving, hairpin, hops } = this.#known ?? nat
    this.#known = { ...nat, forgiving, hairpin, hops: nat.hops || hops }
  }
}
