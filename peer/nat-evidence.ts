/**
 * How the NAT in front of this host maps and filters (RFC 5780), from a socket of its own that sends nothing else; and then,
 * where packets that die on the way may serve, how far its routers reach, from a few more.
 */
import { randomBytes } from 'node:crypto'
import type { Machine } from '../shared/core/machine.ts'
import type { TunnelEffect } from '../shared/core/tunnel/events.ts'
import { Evidence, type Evidenced, type StunServer } from '../shared/core/tunnel/evidence.ts'
import { Hops } from '../shared/core/tunnel/hops.ts'
import { isForeseeable } from '../shared/core/tunnel/nat-class.ts'
import { OWN_SOCKET, Sockets } from '../shared/core/tunnel/sockets.ts'
import { Random } from '../shared/crypto/random.ts'
import { now } from '../shared/drive/clock.ts'
import type { Loop } from '../shared/drive/loop.ts'
import type { Address } from '../shared/wire/address.ts'
import type { Batch } from '../shared/wire/batch.ts'
import { drive } from './net/drive.ts'
import { DualSocket } from './net/dual-socket.ts'
import { FreshSockets } from './net/fresh-sockets.ts'
import { hostAddresses } from './net/host-addresses.ts'

export interface NatEvidence extends Evidenced {
  /** Of a packet that opens all NATs of this host; 0: unknown, or of no use. */
  readonly hops: number
  /** Where the socket was seen, and its own addresses. */
  readonly reflexive: readonly Address[]
  readonly local: readonly Address[]
}

export interface EvidenceOptions {
  /** Called as soon as all but the hops is known. */
  readonly classified?: (evidence: Evidenced) => void
  /** Ends it with what is known by then. */
  readonly signal?: AbortSignal
}

/** Takes 2 s at most. */
export async function gatherEvidence(
  servers: readonly StunServer[],
  { classified = () => {}, signal }: EvidenceOptions = {},
): Promise<NatEvidence> {
  const machine = new EvidenceMachine()
  const finished = Promise.withResolvers<void>()
  const socket: DualSocket = new DualSocket((bytes, words) => loop.receive(bytes, words, OWN_SOCKET))
  const fresh = new FreshSockets((bytes, words, number) => loop.receive(bytes, words, number))
  const loop: Loop<Opened, TunnelEffect | News> = drive(machine, {
    send: (batch, i) => {
      const number = batch.socket[i]!
      const from = number === OWN_SOCKET ? socket : fresh.at(number)
      from?.send(batch, i)
    },
    perform: (effect) => {
      if (effect.kind === 'openSockets') loop.handle({ ports: fresh.open(effect.count) })
      else if (effect.kind === 'closeSockets') fresh.closeAllBut(effect.keep)
      else if (effect.kind === 'classified') classified(effect.evidence)
      else if (effect.kind === 'done') finished.resolve()
    },
    fault: finished.reject,
  })
  const { four, six } = socket.ports
  machine.evidence.start(servers, undefined, four ?? six ?? 0, now())
  loop.tick()
  signal?.addEventListener('abort', () => finished.resolve())
  try {
    await finished.promise
  } finally {
    loop.close()
    fresh.closeAllBut([])
    await socket.close()
  }
  const local = hostAddresses({ four, six })
  const { evidence, hops } = machine
  return { ...evidence.profile, hops: hops.least, reflexive: evidence.reflexive, local }
}

/** The sockets that were asked for are open. */
interface Opened {
  readonly ports: readonly number[]
}

type News = { readonly kind: 'classified'; readonly evidence: Evidenced } | { readonly kind: 'done' }

/** Evidence, and then hops, as a machine of its own: says each once. */
class EvidenceMachine implements Machine<Opened, TunnelEffect | News> {
  readonly #random = new Random(randomBytes(32))
  readonly #sockets = new Sockets(() => new Set())
  readonly evidence = new Evidence(this.#random.fork('evidence'), OWN_SOCKET, { tracing: true })
  readonly hops = new Hops(this.#random.fork('hops'), this.#sockets)
  #phase: 'evidence' | 'hops' | 'over' = 'evidence'
  readonly #news: News[] = []

  receive(arrived: Batch, out: Batch, at: number): void {
    for (let i = 0; i < arrived.count; i++) {
      const bytes = arrived.at(i)
      if (!this.hops.take(bytes, at)) this.evidence.take(bytes, at)
    }
    this.tick(out, at)
  }

  handle({ ports }: Opened, out: Batch, at: number): void {
    this.#sockets.opened(ports, false)
    this.tick(out, at)
  }

  tick(out: Batch, at: number): void {
    this.evidence.tick(out, at)
    if (this.#phase === 'evidence' && this.evidence.ready) this.#askHops(at)
    this.hops.tick(out, at)
    if (this.#phase === 'hops' && !this.hops.busy) this.#end()
  }

  deadline(): number {
    return Math.min(this.evidence.deadline(), this.hops.deadline())
  }

  poll(): TunnelEffect | News | undefined {
    return this.#sockets.effect() ?? this.#news.shift()
  }

  #askHops(at: number): void {
    this.#phase = 'hops'
    const evidence = this.evidence.profile
    this.#news.push({ kind: 'classified', evidence })
    if (isForeseeable(evidence) && evidence.filtering !== 'independent')
      this.hops.start(this.evidence.servers, at)
  }

  #end(): void {
    this.#phase = 'over'
    this.#news.push({ kind: 'done' })
  }
}
