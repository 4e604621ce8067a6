/**
 * Finds and replaces the paths of a tunnel. It asks a HANDSHAKE, gathers evidence for it, binds the relay that it
 * names, carries out its steps, and starts another attempt when `attempts.ts` says so.
 *
 * - Before the other side has decided, this side joins and gathers evidence; orders of the HANDSHAKE are queued.
 * - The relay is released when both sides have been sending directly for RELEASE_MS.
 * - With `relay-only` there is no evidence, no candidate and no step.
 * - With `direct-only` there is no relay, and the tunnel ends if the attempt fails.
 */
import type { ChannelKeys } from '../../crypto/channel.ts'
import { DIRECTION_MS } from '../../crypto/grant.ts'
import type { Random } from '../../crypto/random.ts'
import type { Paths } from '../../paths.ts'
import type { WhyNotDirect } from '../../why-not-direct.ts'
import { type Address, isNowhere, NOWHERE, sameAddress } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Outcome, Result, Step } from '../../wire/handshake.ts'
import { VERSION } from '../../wire/numbers.ts'
import type { Direction } from '../../wire/offers.ts'
import type { Candidate } from '../../wire/profile.ts'
import { isStun } from '../../wire/stun.ts'
import { reachableFirst } from '../families.ts'
import { Attempts, type Situation } from './attempts.ts'
import { Departure } from './departure.ts'
import type { Effort, TunnelOptions } from './events.ts'
import { type ClientEvent, HandshakeClient } from './handshake-client.ts'
import type { NatClass } from './nat-class.ts'
import type { PathParts } from './path-parts.ts'
import { RelayPaths } from './relay-paths.ts'
import { OWN_SOCKET, Sockets } from './sockets.ts'
import { StepRunner } from './step-runner.ts'
import { Survey } from './survey.ts'

/** One side proves a direct path one or two round trips before the other: the later side gets this long. */
const OTHER_WAY_MS = 1000
/** A direct path that fails early fails within this time; the relay is kept until then. */
const RELEASE_MS = 10_000
/** An older direction might expire before the attempt that uses it has ended. */
const DIRECTED_MS = DIRECTION_MS - 60_000
/**
 * An attempt begun longer ago than this, before the other side decided, is begun again: the NAT may have dropped the
 * mappings.
 */
const APPROACH_MS = 10_000
/**
 * If both sides look for each other immediately, JOIN waits this long. Near peers are connected by then, and the probe
 * does not compete with JOIN for the processor or the node.
 */
const HEAD_START_MS = 5
const ROLE_MEASURE = 2
/** The result of a measurement: what it measured is in the profile. */
const MEASURED: Result = {
  step: 0,
  outcome: 'failed',
  reached: NOWHERE,
  elapsedMs: 0,
  packets: 0,
}
const never = Number.POSITIVE_INFINITY

export type TraversalEvent = 'rejoin' | 'released' | 'noDirectPath' | 'closedByOther'

interface Agreed {
  readonly keys: ChannelKeys
  readonly direction: Direction
  readonly expected: Address | undefined
}

export class Traversal {
  readonly sockets: Sockets
  readonly #parts: PathParts
  readonly #paths: Paths
  readonly #client: HandshakeClient
  readonly #survey: Survey
  readonly #runner: StepRunner
  readonly #relays: RelayPaths
  #attempts: Attempts
  readonly #departure: Departure
  #direction: Direction
  #directedAt: number
  /** The other side has accepted the tunnel. */
  #agreed = false
  /** Expected address of the other side, until a probe was sent there. */
  #expected: Address | undefined
  /** Events of the HANDSHAKE that came before the other side accepted. */
  #held: ClientEvent[] = []
  /** The attempt waits for a new direction. */
  #wantsDirection = false
  /** Number of the step that ordered the measurement. */
  #measuringFor = 0
  #events: TraversalEvent[] = []
  #whyNotDirect: WhyNotDirect
  /** Time since which both sides have been sending directly; Infinity if they do not. */
  #directSince = never
  #profileChanged = false
  /** This attempt has used `scatter`. */
  #scattered = false
  /** Network of this side when the last attempt ended (`Survey.network`). */
  #network = ''
  #suspected = false
  /** The other side has a direct path: time at which this side's attempt has failed if it has none. */
  #verdictAt = never

  constructor(options: TunnelOptions, parts: PathParts, random: Random) {
    this.#parts = parts
    this.#paths = options.terms.paths
    this.#direction = options.direction ?? NO_DIRECTION
    this.#directedAt = options.now
    this.#whyNotDirect = this.#paths === 'relay-only' ? 'policy' : 'not-yet'
    this.#client = new HandshakeClient(random.fork('handshake'), OWN_SOCKET)
    this.sockets = new Sockets(() => parts.book.usedSockets)
    const { stun, candidates, localPort, scatter = true, udpBlocked = false, nat } = options
    const surveyed = { paths: this.#paths, stun, candidates, localPort, quiet: !scatter, udpBlocked, nat }
    this.#survey = new Survey(surveyed, random, this.sockets)
    this.#runner = new StepRunner(parts, this.sockets)
    this.#relays = new RelayPaths(parts.book, parts.prover, OWN_SOCKET)
    this.#departure = new Departure(parts, this.sockets, random.fork('departure'), options.now)
    this.#attempts = new Attempts(this.#paths, NOT_SHARED)
    const { keys, direction, expected, now } = options
    this.#expected = expected
    if (direction !== undefined) this.#approach(now)
    if (keys !== undefined) this.agree({ keys, direction: this.#direction, expected }, now)
  }

  /** Begins the attempt before the other side has decided. */
  approach(direction: Direction, now: number): void {
    if (this.#agreed) return
    this.#direction = direction
    this.#directedAt = now
    this.#approach(now)
  }

  /**
   * The other side accepts the tunnel. An attempt begun less than APPROACH_MS ago at the same node goes on; otherwise a
   * new one starts with `direction`, which is newer than the first.
   */
  agree({ keys, direction, expected }: Agreed, now: number): void {
    this.#expected = expected
    const isYoung = now - this.#directedAt < APPROACH_MS && sameNode(direction, this.#direction)
    this.#agreed = true
    this.#attempts = new Attempts(this.#paths, sharedBy(keys))
    if (isYoung && this.#client.state !== 'idle') {
      this.#attempts.begin(now)
      return
    }
    this.#held = []
    this.#direction = direction
    this.#directedAt = now
    this.#attempt(now)
  }

  /** Why the tunnel is not direct. */
  get whyNotDirect(): WhyNotDirect {
    return this.#parts.choice.relayBetter ? 'relay-better' : this.#whyNotDirect
  }

  /** The technique tried last for a direct path, and the number of probes sent from here. */
  get effort(): Effort {
    const { technique } = this.#runner
    return { packets: this.#parts.targets.packets, ...(technique !== undefined && { technique }) }
  }

  /**
   * Handles a datagram of the relay, the HANDSHAKE or STUN. False if it is for another part: it may be a tunnel packet,
   * relayed or not.
   */
  take(arrived: Batch, i: number, out: Batch, now: number): boolean {
    const first = arrived.bytes[arrived.start(i)]!
    if (this.#relays.take(arrived, i, out, now) === 'control') return true
    if (first === VERSION) return this.#client.take(arrived, i, now)
    if (!isStun(arrived.bytes, arrived.start(i))) return false
    if (this.#departure.take(arrived.at(i), now)) return true
    if (!this.#survey.take(arrived.at(i), now)) return false
    this.#profileChanged = true
    return true
  }

  /** Notes which datagrams, from slot `from` of `out` on, went to a relay. */
  sent(out: Batch, from: number, now: number): void {
    this.#relays.sent(out, from, now)
  }

  /**
   * Starts another attempt with a new direction. The other side may have asked for it because it receives nothing from
   * this side.
   */
  rejoin(direction: Direction, out: Batch, now: number): void {
    if (!this.#agreed) return
    const same = sameNode(direction, this.#direction)
    this.#direction = direction
    this.#directedAt = now
    if (same && this.#attempts.isFresh(now) && !this.#wantsDirection) return
    if (!this.#wantsDirection) this.#attempts.renew()
    this.#parts.prover.doubt(out, now)
    this.#attempt(now)
  }

  /** The other side is reachable through a CHECKPOINT again: tries immediately instead of waiting. */
  seek(now: number): void {
    if (this.#attempts.going && this.#client.state === 'joined') return
    this.#attempts.hurry()
    this.#attempt(now)
    this.#ask(now)
  }

  /** Sets the candidates. A port that a router mapped after the attempt ended is worth another attempt. */
  setCandidates(candidates: readonly Candidate[], now: number): void {
    const before = this.#survey.mapped.length
    this.#survey.candidates = candidates
    this.#profileChanged = true
    const isMore = this.#agreed && this.#survey.mapped.length > before
    if (isMore) this.#attempts.renew()
    if (!isMore || this.#attempts.going || this.#parts.choice.active?.kind === 'direct') return
    this.#attempt(now)
    this.#ask(now)
  }

  networkChanged(candidates: readonly Candidate[], out: Batch, now: number): void {
    this.#survey.candidates = candidates
    this.#survey.expectNothing()
    this.#beginElsewhere(out, now)
  }

  /** Sets whether UDP is dropped here. The relay sees this side at another address from then on. */
  setUdp(blocked: boolean, out: Batch, now: number): void {
    if (blocked === this.#survey.udpBlocked) return
    this.#survey.udpBlocked = blocked
    this.#beginElsewhere(out, now)
  }

  #beginElsewhere(out: Batch, now: number): void {
    if (!this.#agreed) {
      this.#approach(now)
      return
    }
    this.#departure.forget(now)
    this.#attempts.renew()
    this.#parts.prover.doubt(out, now)
    this.#relays.rebind(out, now)
    this.#attempt(now)
    this.#ask(now)
  }

  /**
   * The other side announces, in a packet of `bytes` bytes, that it will send from `address` soon. The relay is kept,
   * as it may be needed for the move.
   */
  onMove(address: Address, bytes: number, out: Batch, now: number): void {
    this.#directSince = never
    this.#departure.follow(address, bytes, out, now)
  }

  tick(out: Batch, now: number): void {
    this.#hear(out, now)
    this.#gatherEvidence(out, now)
    if (this.#agreed) this.#pursue(out, now)
    this.#client.tick(out, now)
    this.#hear(out, now)
  }

  #pursue(out: Batch, now: number): void {
    this.#greet(out, now)
    this.#readyRelay(out, now)
    this.#relays.tick(out, now)
    this.#judge(now)
    this.#takeSteps(out, now)
    this.#departure.held = this.#attempts.going
    this.#departure.tick(this.#survey.servers[0]?.primary, out, now)
    this.#releaseRelay(out, now)
    this.#tryAgain(now)
  }

  deadline(): number {
    if (!this.#agreed) return Math.min(this.#client.deadline(), this.#survey.deadline())
    if (this.#greets) return this.#directedAt
    const released = this.#relays.alive ? this.#directSince + RELEASE_MS : never
    return Math.min(
      this.#client.deadline(),
      this.#survey.deadline(),
      this.#relays.deadline(),
      this.#runner.deadline(),
      released,
      this.#verdictAt,
      this.#departure.deadline(),
      this.#attempts.nextAt(this.#situation),
    )
  }

  /** The class of the NAT, for other sockets of this host: once per attempt, when it is known. */
  natClass(): NatClass | undefined {
    return this.#survey.natClass()
  }

  /** True if a router should be asked for a port now: once per attempt. */
  wantsPort(now: number): boolean {
    return this.#survey.wantsPort(now)
  }

  event(): TraversalEvent | undefined {
    return this.#events.shift()
  }

  leave(out: Batch, now: number): void {
    this.#relays.release(out, now)
    this.#client.leave('closed', out, now)
    this.#runner.stop()
    this.sockets.closeUnused()
  }

  #attempt(now: number): void {
    this.#attempts.begin(now)
    this.#scattered = false
    this.#verdictAt = never
    this.#directSince = never
    this.#runner.stop()
    this.sockets.closeUnused()
    this.#wantsDirection = now - this.#directedAt >= DIRECTED_MS
    if (this.#wantsDirection) this.#ask(now)
    else this.#approach(now)
  }

  #approach(now: number): void {
    const greets = this.#greets
    const handshake = reachableFirst(this.#survey.hosts, this.#direction.handshake)
    this.#survey.start(handshake[0], greets, now)
    if (this.#survey.udpBlocked && this.#paths !== 'relay-only') this.#whyNotDirect = 'udp-blocked'
    const joinAt = greets && this.#survey.isForeseeable ? now + HEAD_START_MS : now
    this.#client.join({ ...this.#direction, handshake }, this.#survey.profile, joinAt)
  }

  #hear(out: Batch, now: number): void {
    for (let event = this.#heard(); event !== undefined; event = this.#heard()) {
      if (this.#agreed || event.kind === 'observed') this.#onClient(event, out, now)
      else if (event.kind !== 'alone' && event.kind !== 'unreachable') this.#held.push(event)
    }
  }

  #heard(): ClientEvent | undefined {
    return (this.#agreed ? this.#held.shift() : undefined) ?? this.#client.event()
  }

  #onClient(event: ClientEvent, out: Batch, now: number): void {
    switch (event.kind) {
      case 'observed':
        this.#survey.observed(event.server, event.observed)
        this.#profileChanged = true
        break
      case 'relayed':
        if (this.#paths !== 'direct-only') this.#relays.add(event.relayed, out, now)
        break
      case 'step':
        if (this.#paths !== 'relay-only') this.#startStep(event.step, out, now)
        break
      case 'outcome':
        this.#onOutcome(event.outcome, now)
        break
      case 'unreachable':
        this.#end('handshake-unreachable', undefined, now)
        break
      case 'alone':
        this.#ask(now)
        break
      case 'closed':
        this.#events.push('closedByOther')
    }
  }

  #startStep(step: Step, out: Batch, now: number): void {
    if (step.role !== ROLE_MEASURE) {
      this.#parts.prover.confirm(out, now)
      this.#runner.start(step, now)
      this.#scattered ||= step.kind === 'scatter'
      return
    }
    this.#runner.stop()
    this.#measuringFor = step.step
    this.#survey.measure(step.sockets, now)
  }

  #onOutcome({ path, whyNotDirect }: Outcome, now: number): void {
    if (path === 'direct')
      this.#verdictAt = this.#parts.choice.active?.kind === 'direct' ? now : now + OTHER_WAY_MS
    else this.#end(whyNotDirect, false, now)
  }

  #judge(now: number): void {
    if (now < this.#verdictAt) return
    this.#verdictAt = never
    this.#end('probe-timeout', true, now)
  }

  /** Ends the attempt. `why` is reported as long as there is no direct path. */
  #end(why: WhyNotDirect, found: boolean | undefined, now: number): void {
    if (!this.#survey.sampling) this.sockets.closeUnused()
    const { network } = this.#survey
    if (network !== this.#network) this.#attempts.renew()
    this.#network = network
    this.#attempts.end(now, found, this.#scattered)
    if (this.#paths !== 'relay-only') this.#whyNotDirect = why
    if (this.#paths === 'direct-only' && this.#parts.choice.active === undefined)
      this.#events.push('noDirectPath')
  }

  #gatherEvidence(out: Batch, now: number): void {
    const { ready } = this.#survey
    if (this.#parts.choice.active?.kind === 'direct') this.#survey.spare()
    this.#survey.tick(out, now)
    const measured = this.#survey.measured()
    if (this.#profileChanged || measured || ready !== this.#survey.ready)
      this.#client.update(this.#survey.profile)
    this.#profileChanged = false
    if (measured) this.#client.report({ ...MEASURED, step: this.#measuringFor })
  }

  #takeSteps(out: Batch, now: number): void {
    this.#runner.tick(out, now)
    for (let result = this.#runner.result(); result !== undefined; result = this.#runner.result())
      this.#client.report(result)
  }

  /** Probes the expected address of the other side, before the HANDSHAKE orders anything. */
  #greet(out: Batch, now: number): void {
    const [expected, greets] = [this.#expected, this.#greets]
    this.#expected = undefined
    if (!greets || expected === undefined) return
    this.#parts.targets.greet(expected.words, OWN_SOCKET, out, now)
  }

  /**
   * A path that falls silent may mean that this side's NAT assigns other ports now. The relay must learn them before it
   * is needed.
   */
  #readyRelay(out: Batch, now: number): void {
    const isSuspect = this.#parts.choice.suspect(now)
    if (isSuspect && !this.#suspected) this.#relays.rebind(out, now)
    this.#suspected = isSuspect
  }

  #releaseRelay(out: Batch, now: number): void {
    const { active } = this.#parts.choice
    const settled =
      active?.kind === 'direct' &&
      active.otherHere &&
      !this.#parts.choice.suspect(now) &&
      !this.#parts.choice.lossy
    this.#directSince = settled ? Math.min(this.#directSince, now) : never
    if (now >= this.#directSince + RELEASE_MS && this.#relays.release(out, now)) this.#events.push('released')
  }

  #tryAgain(now: number): void {
    const situation = this.#situation
    const died = this.#attempts.noteDeath(situation)
    if (died && this.#paths !== 'relay-only' && !this.#survey.udpBlocked) this.#whyNotDirect = 'path-died'
    if (now < this.#attempts.nextAt(situation)) return
    this.#attempt(now)
    const { path, directDied, relayDraining, silent, lossy } = situation
    if (path === undefined || directDied || relayDraining || silent || lossy) this.#ask(now)
  }

  get #greets(): boolean {
    return this.#expected !== undefined && !isNowhere(this.#expected) && !this.#survey.udpBlocked
  }

  get #situation(): Situation {
    const { active, directDied } = this.#parts.choice
    const isBare = active?.kind === 'direct' && !this.#relays.alive && this.#paths === 'auto'
    const [silent, lossy] = [isBare && this.#parts.choice.silent, isBare && this.#parts.choice.lossy]
    return { path: active?.kind, directDied, relayDraining: this.#relays.draining, silent, lossy }
  }

  #ask(now: number): void {
    if (this.#attempts.ask(now, this.#parts.choice.active === undefined)) this.#events.push('rejoin')
  }
}

/** Placeholder until the keys are there: no waiting time is drawn from it before `agree` replaces it. */
const NOT_SHARED = new Uint8Array(32)
const NO_DIRECTION: Direction = { handshake: [], key: NOT_SHARED, grant: NOT_SHARED }

function sameNode(a: Direction, b: Direction): boolean {
  return a.handshake.some(({ words }) => b.handshake.some((other) => sameAddress(words, 0, other.words, 0)))
}

/** 32 bytes that only the two sides of this tunnel know. */
const sharedBy = ({ send, receive }: ChannelKeys): Uint8Array =>
  Uint8Array.from(send, (byte, i) => byte ^ receive[i]!)
