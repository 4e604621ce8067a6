/** How the NAT in front of this host maps and filters (RFC 5780), from a socket of its own that sends nothing else. */
import { randomBytes } from 'node:crypto'
import type { Machine } from '../shared/core/machine.ts'
import { Evidence, type Evidenced, type StunServer } from '../shared/core/tunnel/evidence.ts'
import { Random } from '../shared/crypto/random.ts'
import type { Address } from '../shared/wire/address.ts'
import type { Batch } from '../shared/wire/batch.ts'
import { now } from './clock.ts'
import { DualSocket } from './net/dual-socket.ts'
import { hostAddresses } from './net/host-addresses.ts'
import { Loop } from './net/loop.ts'

export interface NatEvidence extends Evidenced {
  /** Where the socket was seen, and its own addresses. */
  readonly reflexive: readonly Address[]
  readonly local: readonly Address[]
}

/** Takes 1.5 s at most. */
export async function gatherEvidence(servers: readonly StunServer[]): Promise<NatEvidence> {
  const machine = new EvidenceMachine()
  const finished = Promise.withResolvers<void>()
  const socket: DualSocket = new DualSocket((bytes, words) => loop.receive(bytes, words, 0))
  const loop: Loop<never, 'done'> = new Loop(machine, {
    send: (batch, i) => socket.send(batch, i),
    perform: () => finished.resolve(),
    fault: finished.reject,
  })
  const { four, six } = socket.ports
  machine.evidence.start(servers, undefined, four ?? six ?? 0, now())
  loop.tick()
  await finished.promise
  loop.close()
  await socket.close()
  const local = hostAddresses({ four, six })
  return { ...machine.evidence.profile, reflexive: machine.evidence.reflexive, local }
}

/** Evidence as a machine of its own: says `done` once. */
class EvidenceMachine implements Machine<never, 'done'> {
  readonly evidence = new Evidence(new Random(randomBytes(32)), 0, { tracing: true })
  #told = false

  receive(arrived: Batch, out: Batch, at: number): void {
    for (let i = 0; i < arrived.count; i++) this.evidence.take(arrived.at(i), at)
    this.tick(out, at)
  }

  handle(): void {}

  tick(out: Batch, at: number): void {
    this.evidence.tick(out, at)
  }

  deadline(): number {
    return this.evidence.deadline()
  }

  poll(): 'done' | undefined {
    if (this.#told || !this.evidence.ready) return undefined
    this.#told = true
    return 'done'
  }
}
