/**
 * How the paths of a tunnel come and go: asks a HANDSHAKE, gathers evidence for it, binds the relay it names, carries out
 * its steps, and begins anew when `attempts.ts` says so.
 *
 *   - The relay is released when both sides have been sending directly for RELEASE_MS.
 *   - Relay only: no evidence, no candidates, no step. Direct only: no relay, and the end when the attempt has failed.
 */
import type { Random } from '../../crypto/random.ts'
import type { WhyNotDirect } from '../../why-not-direct.ts'
import { sameAddress } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import { VERSION } from '../../wire/numbers.ts'
import type { Direction } from '../../wire/offers.ts'
import {
  type Candidate,
  MAX_CANDIDATES,
  type Paths,
  type Profile,
  UNKNOWN_PROFILE,
} from '../../wire/profile.ts'
import { isStun } from '../../wire/stun.ts'
import { reachable } from '../port-mapping/reachable.ts'
import { Attempts, type Situation } from './attempts.ts'
import type { Effort, TunnelOptions } from './events.ts'
import { Evidence, type StunServer } from './evidence.ts'
import { type ClientEvent, HandshakeClient } from './handshake-client.ts'
import type { PathAgent } from './path-agent.ts'
import { RelayPaths } from './relay-paths.ts'
import { StepRunner } from './step-runner.ts'

/** A path that fails young fails within this time; until then the relay stays. */
const RELEASE_MS = 10_000
/** Grants of CHECKPOINTs end after ten minutes; an older direction is of no use. */
const DIRECTION_MS = 9 * 60_000
const SOCKET = 0
const never = Number.POSITIVE_INFINITY

export type TraversalEvent = 'rejoin' | 'released' | 'noDirectPath'

export class Traversal {
  readonly #agent: PathAgent
  readonly #paths: Paths
  readonly #stun: readonly StunServer[]
  readonly #localPort: number
  readonly #client: HandshakeClient
  readonly #evidence: Evidence
  readonly #runner: StepRunner
  readonly #relays: RelayPaths
  readonly #attempts: Attempts
  #direction: Direction
  #directedAt: number
  /** The attempt begins when a new direction comes. */
  #wantsDirection = false
  #candidates: readonly Candidate[]
  #events: TraversalEvent[] = []
  #whyNotDirect: WhyNotDirect
  /** Since when both sides send directly. */
  #directSince = never
  #profileChanged = false

  constructor(options: TunnelOptions, agent: PathAgent, random: Random) {
    this.#agent = agent
    this.#paths = options.terms.paths
    this.#stun = options.stun
    this.#localPort = options.localPort
    this.#direction = options.direction
    this.#directedAt = options.now
    this.#candidates = options.candidates
    this.#whyNotDirect = this.#paths === 'relay-only' ? 'policy' : 'not-yet'
    this.#client = new HandshakeClient(random.fork('handshake'), SOCKET)
    this.#evidence = new Evidence(random.fork('evidence'), SOCKET)
    this.#runner = new StepRunner(agent, SOCKET)
    this.#relays = new RelayPaths(agent, SOCKET)
    this.#attempts = new Attempts(this.#paths)
    this.#attempt(options.now)
  }

  /** Of a tunnel that is not direct. */
  get whyNotDirect(): WhyNotDirect {
    return this.#whyNotDirect
  }

  /** How a direct path was last looked for, and the packets that it took from here. */
  get effort(): Effort {
    const { technique, packets } = this.#runner
    return { packets, ...(technique !== undefined && { technique }) }
  }

  /** False where the datagram is for somebody else: it may be a tunnel packet, from a relay or not. */
  take(arrived: Batch, i: number, out: Batch, now: number): boolean {
    const first = arrived.bytes[arrived.start(i)]!
    if (this.#relays.take(arrived, i, out, now) === 'control') return true
    if (first === VERSION) return this.#client.take(arrived, i, now)
    if (!isStun(arrived.bytes, arrived.start(i)) || !this.#evidence.take(arrived.at(i), now)) return false
    this.#profileChanged = true
    return true
  }

  /** What was appended since slot `from` may have gone to a relay. */
  sent(out: Batch, from: number, now: number): void {
    this.#relays.sent(out, from, now)
  }

  /** The other side may have asked for it because it hears nothing from here. */
  rejoin(direction: Direction, out: Batch, now: number): void {
    const same = sameNode(direction, this.#direction)
    this.#direction = direction
    this.#directedAt = now
    if (same && this.#attempts.isFresh(now) && !this.#wantsDirection) return
    this.#agent.doubt(out, now)
    this.#attempt(now)
  }

  /** A port that a router gave when the attempt was over already is worth another one. */
  setCandidates(candidates: readonly Candidate[], now: number): void {
    const before = this.#mapped.length
    this.#candidates = candidates
    this.#profileChanged = true
    const isMore = this.#mapped.length > before
    if (!isMore || this.#attempts.going || this.#agent.active?.kind === 'direct') return
    this.#attempt(now)
    this.#ask(now)
  }

  networkChanged(candidates: readonly Candidate[], out: Batch, now: number): void {
    this.#candidates = candidates
    this.#agent.doubt(out, now)
    this.#relays.rebind(out, now)
    this.#attempt(now)
    this.#ask(now)
  }

  /** The other side will soon send from elsewhere: the relay may be needed for it. */
  holdRelay(): void {
    this.#directSince = never
  }

  tick(out: Batch, now: number): void {
    this.#client.tick(out, now)
    for (let event = this.#client.event(); event !== undefined; event = this.#client.event())
      this.#onClient(event, out, now)
    this.#gatherEvidence(out, now)
    this.#relays.tick(out, now)
    this.#takeSteps(out, now)
    this.#releaseRelay(out, now)
    this.#tryAgain(now)
    this.#client.tick(out, now)
  }

  deadline(): number {
    const released = this.#relays.alive ? this.#directSince + RELEASE_MS : never
    return Math.min(
      this.#client.deadline(),
      this.#evidence.deadline(),
      this.#relays.deadline(),
      this.#runner.deadline(),
      released,
      this.#attempts.nextAt(this.#situation),
    )
  }

  event(): TraversalEvent | undefined {
    return this.#events.shift()
  }

  leave(out: Batch, now: number): void {
    this.#relays.release(out, now)
    this.#client.leave(out, now)
    this.#runner.stop()
  }

  #attempt(now: number): void {
    this.#attempts.begin(now)
    this.#directSince = never
    this.#runner.stop()
    this.#wantsDirection = now - this.#directedAt >= DIRECTION_MS
    if (this.#wantsDirection) {
      this.#ask(now)
      return
    }
    const near = this.#direction.handshake[0]
    if (this.#paths !== 'relay-only') this.#evidence.start(this.#stun, near, this.#localPort, now)
    this.#client.join(this.#direction, this.#profile(), now)
  }

  #onClient(event: ClientEvent, out: Batch, now: number): void {
    switch (event.kind) {
      case 'observed':
        if (this.#paths !== 'relay-only') this.#evidence.observed(event.server, event.observed)
        this.#profileChanged = true
        break
      case 'relayed':
        if (this.#paths !== 'direct-only') this.#relays.add(event.relayed, out, now)
        break
      case 'step':
        if (this.#paths !== 'relay-only') this.#runner.start(event.step, now)
        break
      case 'outcome':
        this.#end(event.outcome.path === 'direct' ? 'probe-timeout' : event.outcome.whyNotDirect, now)
        break
      case 'unreachable':
        this.#end('handshake-unreachable', now)
        break
      case 'alone':
        this.#ask(now)
    }
  }

  /** `why` holds unless a direct path is there, or comes. */
  #end(why: WhyNotDirect, now: number): void {
    this.#attempts.end(now)
    if (this.#paths !== 'relay-only') this.#whyNotDirect = why
    if (this.#paths === 'direct-only' && this.#agent.active === undefined) this.#events.push('noDirectPath')
  }

  #gatherEvidence(out: Batch, now: number): void {
    const { ready } = this.#evidence
    this.#evidence.tick(out, now)
    if (!this.#profileChanged && ready === this.#evidence.ready) return
    this.#profileChanged = false
    this.#client.update(this.#profile())
  }

  #takeSteps(out: Batch, now: number): void {
    this.#runner.tick(out, now)
    for (let result = this.#runner.result(); result !== undefined; result = this.#runner.result())
      this.#client.report(result)
  }

  #releaseRelay(out: Batch, now: number): void {
    const { active } = this.#agent
    const settled = active?.kind === 'direct' && active.otherHere && !this.#agent.suspect(now)
    this.#directSince = settled ? Math.min(this.#directSince, now) : never
    if (now >= this.#directSince + RELEASE_MS && this.#relays.release(out, now)) this.#events.push('released')
  }

  #tryAgain(now: number): void {
    const situation = this.#situation
    if (this.#attempts.noteDeath(situation) && this.#paths !== 'relay-only') this.#whyNotDirect = 'path-died'
    if (now < this.#attempts.nextAt(situation)) return
    this.#attempt(now)
    const { path, directDied, relayDraining } = situation
    if (path === undefined || directDied || relayDraining) this.#ask(now)
  }

  get #situation(): Situation {
    const { active, directDied } = this.#agent
    return { path: active?.kind, directDied, relayDraining: this.#relays.draining }
  }

  #ask(now: number): void {
    if (this.#attempts.ask(now)) this.#events.push('rejoin')
  }

  get #mapped(): readonly Candidate[] {
    return reachable(this.#candidates, this.#evidence.reflexive)
  }

  #profile(): Profile {
    const paths = this.#paths
    if (paths === 'relay-only') return { ...UNKNOWN_PROFILE, ready: true, paths }
    const reflexive = this.#evidence.reflexive.map((address) => ({ kind: 'reflexive', address }) as const)
    const others = this.#candidates.filter(({ kind }) => kind !== 'mapped')
    const candidates = [...this.#mapped, ...reflexive.slice(-4), ...others].slice(0, MAX_CANDIDATES)
    return { ...UNKNOWN_PROFILE, ...this.#evidence.profile, paths, candidates }
  }
}

function sameNode(a: Direction, b: Direction): boolean {
  return a.handshake.some(({ words }) => b.handshake.some((other) => sameAddress(words, 0, other.words, 0)))
}
