/**
 * Moves a direct tunnel off a path before a NAT mapping ends it. Of this side's own mapping, `lifespan` estimates when it
 * ends, and `relocation` opens another socket. The other side announces with MOVE that it does the same. Either way the
 * new path is examined while the old one still works, and takes over as soon as it is fit.
 */
import type { Random } from '../../crypto/random.ts'
import { type Address, PORT_WORD, sameAddress, sameIp } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Choice } from './choice.ts'
import { Lifespan } from './lifespan.ts'
import { isValidated, leave, type Path } from './path.ts'
import type { PathBook } from './path-book.ts'
import type { PathParts } from './path-parts.ts'
import type { Prover } from './prover.ts'
import { Relocation } from './relocation.ts'
import type { Sender } from './sender.ts'
import { OWN_SOCKET, type Sockets } from './sockets.ts'

/** How long before the end of a mapping the move begins: it takes a few round trips. */
const LEAVE_MS = 8000
const never = Number.POSITIVE_INFINITY

export class Departure {
  /** True while an attempt needs fresh sockets: no move begins. */
  held = false
  readonly #book: PathBook
  readonly #prover: Prover
  readonly #choice: Choice
  readonly #sender: Sender
  readonly #sockets: Sockets
  readonly #lifespan: Lifespan
  readonly #relocation: Relocation
  /** Number of the socket that direct data goes through. */
  #through = OWN_SOCKET
  /** Expected end of the last mapping that was to be left: each is tried once. */
  #leftFor = never

  constructor({ book, prover, choice, sender }: PathParts, sockets: Sockets, random: Random, now: number) {
    this.#book = book
    this.#prover = prover
    this.#choice = choice
    this.#sender = sender
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
    const { active } = this.#choice
    if (active?.kind !== 'direct' || this.held) {
      this.#relocation.stop()
      return
    }
    if (active.socket !== this.#through) this.#wentThrough(active.socket, now)
    if (active.observed !== undefined) this.#lifespan.seen(active.observed, active.provenAt)
    if (now >= this.#leaveAt) this.#begin(server, now)
    const next = this.#relocation.tick(out, now)
    if (next === undefined) return
    this.#moveTo(next.socket, out, now)
    this.#sender.sendControl({ kind: 'move', address: next.address }, out, now)
  }

  /**
   * Follows the other side to another port of its NAT. `bytes` is the size of the packet that announced it. An address
   * with another IP is ignored: the other side must send from there itself.
   */
  follow({ words }: Address, bytes: number, out: Batch, now: number): void {
    const old = this.#choice.active
    if (old?.kind !== 'direct' || words[PORT_WORD] === 0) return
    if (!sameIp(words, 0, old.words, 0) || sameAddress(words, 0, old.words, 0)) return
    const path = this.#book.reach('direct', words, 0, old.socket, now, 'heard')
    if (path !== undefined && !isValidated(path)) path.credit.received(bytes)
    this.#replace(old, path, out, now)
  }

  deadline(): number {
    return Math.min(this.#relocation.deadline(), this.#leaveAt)
  }

  /** Moves this side to another socket of its own. */
  #moveTo(socket: number, out: Batch, now: number): void {
    const old = this.#choice.active
    if (old?.kind !== 'direct' || old.socket === socket) return
    this.#replace(old, this.#book.reach('direct', old.words, 0, socket, now), out, now)
  }

  #replace(old: Path, path: Path | undefined, out: Batch, now: number): void {
    if (path === undefined) return
    leave(old, now)
    if (path.state === 'candidate') this.#prover.examine(path, out, now)
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

  /** Time of the move; Infinity if no move is possible or this mapping was tried already. */
  get #leaveAt(): number {
    const { endsAt } = this.#lifespan
    const isBusy = this.held || this.#relocation.busy || endsAt === this.#leftFor
    return isBusy || this.#choice.active?.kind !== 'direct' ? never : endsAt - LEAVE_MS
  }
}
