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
  #looking = new AbortController()

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
    this.#looking.abort()
    this.#looking = new AbortController()
    const { signal } = this.#looking
    const found = ({ mapping, filtering, allocation, forgiving, hairpin }: Evidenced, hops: number) => {
      if (signal.aborted) return
      this.#known = {
        mapping,
        filtering,
        allocation,
        forgiving,
        hairpin,
        hops: hops || (this.#known?.hops ?? 0),
      }
    }
    const classified = (evidence: Evidenced) => found(evidence, 0)
    gatherEvidence(this.#stun(), { classified, signal }).then(
      (evidence) => found(evidence, evidence.hops),
      this.#fault,
    )
  }

  /** Again, where nothing answered. */
  ensure(): void {
    if (this.#known?.mapping === 'unknown') this.look()
  }

  /** By a tunnel, which does not know what only a socket of its own can find out, and does not always ask for hops. */
  learned(nat: NatClass): void {
    const { forgiving, hairpin, hops } = this.#known ?? nat
    this.#known = { ...nat, forgiving, hairpin, hops: nat.hops || hops }
  }

  close(): void {
    this.#looking.abort()
  }
}
