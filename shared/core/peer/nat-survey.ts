/**
 * Tests the NAT of a host (RFC 5780) from a socket that sends nothing else. If priming packets may help, it then
 * measures the hops to the host's own NATs from a few more sockets. Takes 2 s at most.
 */
import type { Random } from '../../crypto/random.ts'
import type { Address } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Machine } from '../machine.ts'
import { Queue } from '../session/queue.ts'
import { Evidence, type Evidenced, type StunServer } from '../tunnel/evidence.ts'
import { Hops } from '../tunnel/hops.ts'
import { isForeseeable } from '../tunnel/nat-class.ts'
import { OWN_SOCKET, Sockets } from '../tunnel/sockets.ts'
import type { SocketsEffect, SocketsInput } from './hosted.ts'

export interface NatFindings extends Evidenced {
  /** TTL that passes all NATs of this host; 0 if it is unknown or not needed. */
  readonly hops: number
  /** Mapped addresses of the socket. */
  readonly reflexive: readonly Address[]
}

/** `classified`: everything but the hops is known. `done` comes last. Each comes once. */
export type NatNews = { readonly kind: 'classified' | 'done'; readonly findings: NatFindings }

export interface NatSurveyOptions {
  readonly random: Random
  readonly servers: readonly StunServer[]
  /** Port that the socket is bound to. */
  readonly localPort: number
  readonly now: number
}

export class NatSurvey implements Machine<SocketsInput, NatNews | SocketsEffect> {
  readonly #outbox = new Queue<NatNews | SocketsEffect>()
  readonly #sockets = new Sockets(() => new Set(), this.#outbox)
  readonly #evidence: Evidence
  readonly #hops: Hops
  #phase: 'evidence' | 'hops' | 'over' = 'evidence'

  constructor({ random, servers, localPort, now }: NatSurveyOptions) {
    this.#evidence = new Evidence(random.fork('evidence'), OWN_SOCKET, { tracing: true })
    this.#hops = new Hops(random.fork('hops'), this.#sockets)
    this.#evidence.start(servers, undefined, localPort, now)
  }

  /** The findings so far. */
  get findings(): NatFindings {
    return { ...this.#evidence.profile, hops: this.#hops.least, reflexive: this.#evidence.reflexive }
  }

  receive(arrived: Batch, out: Batch, now: number): void {
    for (let i = 0; i < arrived.count; i++) {
      const bytes = arrived.at(i)
      if (!this.#hops.take(bytes, now)) this.#evidence.take(bytes, now)
    }
    this.tick(out, now)
  }

  handle({ ports }: SocketsInput, out: Batch, now: number): void {
    this.#sockets.opened(ports, false)
    this.tick(out, now)
  }

  tick(out: Batch, now: number): void {
    this.#evidence.tick(out, now)
    if (this.#phase === 'evidence' && this.#evidence.ready) this.#askHops(now)
    this.#hops.tick(out, now)
    if (this.#phase === 'hops' && !this.#hops.busy) this.#end()
  }

  deadline(): number {
    return Math.min(this.#evidence.deadline(), this.#hops.deadline())
  }

  poll(): NatNews | SocketsEffect | undefined {
    return this.#outbox.take()
  }

  #askHops(now: number): void {
    this.#phase = 'hops'
    const { findings } = this
    this.#outbox.put({ kind: 'classified', findings })
    if (isForeseeable(findings) && findings.filtering !== 'independent')
      this.#hops.start(this.#evidence.servers, now)
  }

  #end(): void {
    this.#phase = 'over'
    this.#outbox.put({ kind: 'done', findings: this.findings })
  }
}
