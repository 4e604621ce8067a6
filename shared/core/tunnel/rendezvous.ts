/**
 * The conversation of this side with a HANDSHAKE: this side surveys its NAT and says what it found, again whenever that
 * changes, and what came of each step. The HANDSHAKE says where it sees this side, and orders.
 *
 * With `relay-only` there is no evidence.
 */
import type { Random } from '../../crypto/random.ts'
import type { Address } from '../../wire/address.ts'
import { NOWHERE } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Result, Step } from '../../wire/handshake.ts'
import { VERSION } from '../../wire/numbers.ts'
import type { Direction } from '../../wire/offers.ts'
import type { Candidate } from '../../wire/profile.ts'
import { isStun } from '../../wire/stun.ts'
import { reachableFirst } from '../families.ts'
import type { TunnelOptions } from './events.ts'
import { HandshakeClient, type Order } from './handshake-client.ts'
import type { Outbox } from './outbox.ts'
import { OWN_SOCKET, type Sockets } from './sockets.ts'
import { Survey } from './survey.ts'

/**
 * If both sides look for each other immediately, JOIN waits this long. Near peers are connected by then, and the probe
 * does not compete with JOIN for the processor or the node.
 */
const HEAD_START_MS = 5
/** The result of a measurement: what it measured is in the profile. */
const MEASURED: Result = { step: 0, outcome: 'failed', reached: NOWHERE, elapsedMs: 0, packets: 0 }

export class Rendezvous {
  readonly #client: HandshakeClient
  readonly #survey: Survey
  readonly #outbox: Outbox
  #profileChanged = false
  /** Number of the step that ordered the measurement. */
  #measuringFor = 0

  constructor(options: TunnelOptions, random: Random, sockets: Sockets, outbox: Outbox) {
    const { terms, stun, candidates, localPort, scatter = true, udpBlocked = false, nat } = options
    const surveyed = { paths: terms.paths, stun, candidates, localPort, quiet: !scatter, udpBlocked, nat }
    this.#client = new HandshakeClient(random.fork('handshake'), OWN_SOCKET)
    this.#survey = new Survey(surveyed, random, sockets)
    this.#outbox = outbox
  }

  /** `idle`: nothing was joined, or the session has ended. */
  get state(): HandshakeClient['state'] {
    return this.#client.state
  }

  get udpBlocked(): boolean {
    return this.#survey.own.udpBlocked
  }

  /** The nearest STUN server. */
  get stunServer(): Address | undefined {
    return this.#survey.servers[0]?.primary
  }

  /** True while fresh sockets are used to sample ports. */
  get sampling(): boolean {
    return this.#survey.sampling
  }

  /** Text that is equal for two attempts behind the same NATs. */
  get network(): string {
    return this.#survey.own.network
  }

  /** Surveys the NAT and joins. `greets`: the other side is being probed already. */
  join(direction: Direction, greets: boolean, now: number): void {
    const handshake = reachableFirst(this.#survey.own.hosts, direction.handshake)
    this.#survey.start(handshake[0], greets, now)
    const joinAt = greets && this.#survey.own.isForeseeable ? now + HEAD_START_MS : now
    this.#client.join({ ...direction, handshake }, this.#survey.profile, joinAt)
  }

  /** Handles a datagram of the HANDSHAKE or of a STUN server. False if it is for another part. */
  take(arrived: Batch, i: number, now: number): boolean {
    const start = arrived.start(i)
    if (arrived.bytes[start] === VERSION) return this.#client.take(arrived, i, now)
    if (!isStun(arrived.bytes, start) || !this.#survey.take(arrived.at(i), now)) return false
    this.#profileChanged = true
    return true
  }

  /** Orders of the HANDSHAKE and their outcomes; each is told once. */
  hear(): Order | undefined {
    for (let event = this.#client.event(); event !== undefined; event = this.#client.event()) {
      if (event.kind !== 'observed') return event
      this.#survey.observed(event.server, event.observed)
      this.#profileChanged = true
    }
    return undefined
  }

  /** Sets the addresses of the socket. True if a router mapped another port. */
  setCandidates(candidates: readonly Candidate[]): boolean {
    const before = this.#survey.own.mapped.length
    this.#survey.own.candidates = candidates
    this.#profileChanged = true
    return this.#survey.own.mapped.length > before
  }

  /** This side has other addresses: what was found about its NAT may be wrong. */
  moved(candidates: readonly Candidate[]): void {
    this.#survey.own.candidates = candidates
    this.#survey.own.expectNothing()
  }

  /** False if this was known. */
  setUdp(blocked: boolean): boolean {
    if (blocked === this.#survey.own.udpBlocked) return false
    this.#survey.own.udpBlocked = blocked
    return true
  }

  /** Measures which port the NAT gives next, as a step orders. */
  measure({ step, sockets }: Step, now: number): void {
    this.#measuringFor = step
    this.#survey.measure(sockets, now)
  }

  report(result: Result): void {
    this.#client.report(result)
  }

  /** Gathers evidence. `isDirect`: there is a direct path already. */
  gather(isDirect: boolean, out: Batch, now: number): void {
    const { ready } = this.#survey
    if (isDirect) this.#survey.spare()
    this.#survey.tick(out, now)
    const measured = this.#survey.measured()
    if (this.#profileChanged || measured || ready !== this.#survey.ready)
      this.#client.update(this.#survey.profile)
    this.#profileChanged = false
    if (measured) this.report({ ...MEASURED, step: this.#measuringFor })
  }

  /** Sends what is due to the HANDSHAKE, and passes on what this host should know. */
  tell(out: Batch, now: number): void {
    this.#client.tick(out, now)
    const nat = this.#survey.natClass()
    if (nat !== undefined) this.#outbox.put({ kind: 'surveyed', nat })
    if (this.#survey.wantsPort(now)) this.#outbox.put({ kind: 'mapPort' })
  }

  deadline(): number {
    return Math.min(this.#client.deadline(), this.#survey.deadline())
  }

  leave(out: Batch, now: number): void {
    this.#client.leave('closed', out, now)
  }
}
