/**
 * Moves a direct tunnel off a NAT mapping before the mapping ends: `lifespan` estimates when that is, `relocation`
 * moves the tunnel to another socket.
 */
import type { Random } from '../../crypto/random.ts'
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { Lifespan } from './lifespan.ts'
import type { PathAgent } from './path-agent.ts'
import { Relocation } from './relocation.ts'
import { OWN_SOCKET, type Sockets } from './sockets.ts'

/** How long before the end of a mapping the move begins: it takes a few round trips. */
const LEAVE_MS = 8000
const never = Number.POSITIVE_INFINITY

export class Departure {
  /** True while an attempt needs fresh sockets: no move begins. */
  held = false
  readonly #agent: PathAgent
  readonly #sockets: Sockets
  readonly #lifespan: Lifespan
  readonly #relocation: Relocation
  /** Number of the socket that direct data goes through. */
  #through = OWN_SOCKET
  /** Expected end of the last mapping that was to be left: each is tried once. */
  #leftFor = never

  constructor(agent: PathAgent, sockets: Sockets, random: Random, now: number) {
    this.#agent = agent
    this.#sockets = sockets
    this.#lifespan = new Lifespan(now)
    this.#relocation = new Relocation(random, sockets)
  }

  /** False if the STUN datagram is for another part. */
  take(bytes: Uint8Array, now: number): boolean {
    return this.#relocation.take(bytes, now)
  }

  /** The network is another one: forgets the estimate. */
  forget(now: number): void {
    this.#lifespan.forget(now)
  }

  /** `server`: a STUN node. */
  tick(server: Address | undefined, out: Batch, now: number): void {
    const { active } = this.#agent
    if (active?.kind !== 'direct' || this.held) {
      this.#relocation.stop()
      return
    }
    if (active.socket !== this.#through) this.#wentThrough(active.socket, now)
    if (active.observed !== undefined) this.#lifespan.seen(active.observed, active.provenAt)
    if (now >= this.#leaveAt) this.#begin(server, now)
    const next = this.#relocation.tick(out, now)
    if (next === undefined) return
    this.#agent.moveTo(next.socket, out, now)
    this.#agent.sendControl({ kind: 'move', address: next.address }, out, now)
  }

  deadline(): number {
    return Math.min(this.#relocation.deadline(), this.#leaveAt)
  }

  #begin(server: Address | undefined, now: number): void {
    this.#leftFor = this.#lifespan.endsAt
    if (server === undefined) return
    this.#sockets.closeUnused()
    this.#relocation.start(server, now)
  }

  #wentThrough(socket: number, now: number): void {
    this.#through = socket
    this.#lifespan.moved(socket === this.#relocation.socket ? this.#relocation.startedAt : now)
    this.#relocation.stop()
  }

  /** When to move; Infinity if no move is possible or this mapping was tried already. */
  get #leaveAt(): number {
    const { endsAt } = this.#lifespan
    const isBusy = this.held || this.#relocation.busy || endsAt === this.#leftFor
    return isBusy || this.#agent.active?.kind !== 'direct' ? never : endsAt - LEAVE_MS
  }
}
