/**
 * Tests from the tunnel's own socket how its NAT maps and filters, with a pair of STUN nodes (RFC 5780).
 *
 *   first     to the near node: which mapped address does it see, and do answers arrive from the far node
 *             (endpoint-independent filtering) or from another port of the near one (address-dependent filtering)? The
 *             socket must not have sent to the far node before.
 *   mapping   to the far node: does it see the same mapped address? If not, its other port is asked too. Only with
 *             `tracing`, two more tests:
 *               trace: did the answers that tested the filter create state in the NAT? Then the NAT maps us to another
 *               port towards their source, and would do so to a peer whose packet comes too early. The test spoils the
 *               socket: Linux prefers the other port for all later flows.
 *               hairpin: does a request to our own mapped address come back?
 *   done      everything was answered, or BUDGET_MS has passed
 *
 * An answer that a filter blocks never comes, so the filter test waits as long again as the first answer took. The
 * address seen by the HANDSHAKE counts as an observation too. The near node is the one with the HANDSHAKE's IP, as the
 * socket sends there anyway.
 */
import { sameBytes } from '../../crypto/hash.ts'
import type { Random } from '../../crypto/random.ts'
import { type Address, sameAddress, sameIp } from '../../wire/address.ts'
import type { Batch } from '../../wire/batch.ts'
import type { Dependence, Profile } from '../../wire/profile.ts'
import { TRANSACTION_BYTES } from '../../wire/stun.ts'
import {
  type BindingAnswer,
  type BindingOptions,
  decodeBindingAnswer,
  encodeRoomyRequest,
} from '../../wire/stun-client.ts'
import { classify, type Observation } from './classify.ts'

/** A STUN node: its primary address and its other port. */
export interface StunServer {
  readonly primary: Address
  readonly alternate?: Address
}

/** Limit for all tests; a longer wait would delay the first step for a side whose STUN servers do not answer. */
const BUDGET_MS = 1500
const REPEAT_MS = [100, 200, 400, 800] as const
const LEAST_FILTER_WAIT_MS = 50
const never = Number.POSITIVE_INFINITY

type Test = 'where' | 'farNode' | 'otherPort' | 'mapping' | 'trace' | 'hairpin'

interface Request {
  readonly test: Test
  readonly server: Address
  readonly transaction: Uint8Array
  readonly bytes: Uint8Array
  readonly sentAt: number
  repeats: number
  dueAt: number
  answered: boolean
}

export type Evidenced = Pick<
  Profile,
  | 'mapping'
  | 'pooled'
  | 'filtering'
  | 'forgiving'
  | 'hairpin'
  | 'allocation'
  | 'step'
  | 'low'
  | 'high'
  | 'ready'
>

export class Evidence {
  readonly #random: Random
  readonly #socket: number
  readonly #tracing: boolean
  #servers: readonly StunServer[] = []
  #localPort = 0
  #phase: 'idle' | 'first' | 'mapping' | 'done' = 'idle'
  #requests: Request[] = []
  #observations: Observation[] = []
  #filtering: Dependence = 'unknown'
  #forgiving = false
  #hairpin = false
  #endAt = never
  #filterUntil = never

  constructor(random: Random, socket: number, { tracing = false } = {}) {
    this.#random = random
    this.#socket = socket
    this.#tracing = tracing
  }

  /** Starts the tests again. `near`: the HANDSHAKE's address. `now` may be in the future. */
  start(servers: readonly StunServer[], near: Address | undefined, localPort: number, now: number): void {
    this.#servers = nearestFirst(servers, near)
    this.#localPort = localPort
    this.#observations = []
    this.#requests = []
    this.#filtering = 'unknown'
    this.#forgiving = false
    this.#hairpin = false
    this.#filterUntil = never
    this.#endAt = now + BUDGET_MS
    this.#phase = this.#servers.length === 0 ? 'done' : 'first'
    const first = this.#servers[0]?.primary
    if (first === undefined) return
    this.#ask('where', first, {}, now)
    this.#ask('farNode', first, { changeIp: true, changePort: true }, now)
    this.#ask('otherPort', first, { changePort: true }, now)
  }

  /** Stops the tests; observations are kept. */
  stop(): void {
    this.#finish()
    this.#phase = 'idle'
  }

  /** The STUN servers, nearest first. */
  get servers(): readonly StunServer[] {
    return this.#servers
  }

  get ready(): boolean {
    return this.#phase === 'done'
  }

  /** The mapped addresses seen so far, without duplicates. */
  get reflexive(): readonly Address[] {
    const seen: Address[] = []
    for (const { mapped } of this.#observations) {
      if (!seen.some(({ words }) => sameAddress(words, 0, mapped, 0))) seen.push({ words: mapped })
    }
    return seen
  }

  get profile(): Evidenced {
    const classes = classify(this.#observations, this.#localPort)
    const [filtering, forgiving, hairpin] = [this.#filtering, this.#forgiving, this.#hairpin]
    return { ...classes, filtering, forgiving, hairpin, ready: this.ready }
  }

  /** Records the address at which a HANDSHAKE saw the socket. */
  observed(server: Address, mapped: Address): void {
    this.#observe(server, mapped)
  }

  /** False if the datagram does not answer one of the requests. */
  take(bytes: Uint8Array, now: number): boolean {
    if (this.#hasReturned(bytes)) return true
    const answer = decodeBindingAnswer(bytes)
    const request = answer && this.#requests.find((it) => sameBytes(it.transaction, answer.transaction))
    if (answer === undefined || request === undefined || request.answered) return false
    request.answered = true
    this.#onAnswer(request, answer, now)
    return true
  }

  tick(out: Batch, now: number): void {
    if (this.#phase === 'first' && now >= this.#filterUntil) this.#endFirst(now)
    if (now >= this.#endAt) this.#finish()
    for (const request of this.#requests) {
      if (now >= request.dueAt && !request.answered) this.#send(request, out, now)
    }
  }

  deadline(): number {
    if (this.#phase === 'idle' || this.#phase === 'done') return never
    let least = Math.min(this.#endAt, this.#filterUntil)
    for (const { answered, dueAt } of this.#requests) if (!answered) least = Math.min(least, dueAt)
    return least
  }

  #ask(test: Test, server: Address, options: BindingOptions, now: number): void {
    const transaction = this.#random.bytes(TRANSACTION_BYTES)
    const bytes = encodeRoomyRequest(transaction, options)
    const request = { test, server, transaction, bytes, sentAt: now, repeats: 0, dueAt: now, answered: false }
    this.#requests.push(request)
  }

  #send(request: Request, out: Batch, now: number): void {
    request.dueAt = now + (REPEAT_MS[request.repeats++] ?? never)
    out.push(request.bytes, request.server.words, 0, this.#socket)
  }

  #onAnswer(request: Request, answer: BindingAnswer, now: number): void {
    if (answer.mapped === undefined) return
    if (request.test === 'farNode') this.#filtering = 'independent'
    else if (request.test === 'otherPort' && this.#filtering !== 'independent') this.#filtering = 'address'
    else if (request.test === 'where') this.#onFirst(request, answer, now)
    else if (request.test === 'trace') this.#forgiving = this.#isKnown(answer.mapped)
    if (request.test === 'where' || request.test === 'mapping') this.#observe(request.server, answer.mapped)
    if (this.#phase === 'first' && this.#filtering === 'independent' && this.#observations.length > 0)
      this.#endFirst(now)
    if (this.#phase === 'mapping' && this.#requests.every(isAnswered)) this.#nextMapping(now)
  }

  /** A node without a partner has no other address to answer from, so its silence proves nothing. */
  #onFirst(request: Request, { other }: BindingAnswer, now: number): void {
    this.#filterUntil = now + Math.max(now - request.sentAt, LEAST_FILTER_WAIT_MS)
    if (other !== undefined && this.#filtering === 'unknown') this.#filtering = 'addressAndPort'
  }

  #endFirst(now: number): void {
    this.#phase = 'mapping'
    this.#filterUntil = never
    this.#requests = []
    const far = this.#servers[1]
    const next = far === undefined ? this.#servers[0]?.alternate : far.primary
    if (next === undefined) this.#finish()
    else this.#ask('mapping', next, {}, now)
    const [seen] = this.reflexive
    if (this.#tracing && seen !== undefined) this.#ask('hairpin', seen, {}, now)
    if (this.#tracing && far?.alternate !== undefined && isStrict(this.#filtering))
      this.#ask('trace', far.alternate, {}, now)
  }

  /**
   * RFC 5780 section 4.3: the far node's other port is asked only if its first port saw another mapped address. The
   * answers that tested the filter came from that other port. A router that recorded them as flows of its own shows
   * that port another mapping.
   */
  #nextMapping(now: number): void {
    const other = this.#servers[1]?.alternate
    const asked = this.#requests.filter(({ test }) => test === 'mapping').length
    if (asked > 1 || other === undefined || this.reflexive.length < 2) this.#finish()
    else this.#ask('mapping', other, {}, now)
  }

  /** True if the datagram is our own request, returned by our NAT (hairpin). */
  #hasReturned(bytes: Uint8Array): boolean {
    const request = this.#requests.find(({ test }) => test === 'hairpin')
    if (request === undefined || !sameBytes(request.bytes, bytes)) return false
    request.answered = true
    this.#hairpin = true
    return true
  }

  #isKnown(mapped: Address): boolean {
    return this.reflexive.some(({ words }) => sameAddress(words, 0, mapped.words, 0))
  }

  #finish(): void {
    this.#phase = 'done'
    this.#requests = []
    this.#filterUntil = never
    this.#endAt = never
  }

  #observe(server: Address, mapped: Address): void {
    const known = this.#observations.some(
      (it) => sameAddress(it.server, 0, server.words, 0) && sameAddress(it.mapped, 0, mapped.words, 0),
    )
    if (!known) this.#observations.push({ server: server.words, mapped: mapped.words })
  }
}

/** The hairpin request is not waited for: most NATs never return it, and the others are faster than any server. */
const isAnswered = ({ test, answered }: Request): boolean => answered || test === 'hairpin'

/** True if the filter blocked some of the answers that tested it. */
const isStrict = (filtering: Dependence): boolean => filtering === 'address' || filtering === 'addressAndPort'

function nearestFirst(servers: readonly StunServer[], near: Address | undefined): readonly StunServer[] {
  const isNear = ({ primary }: StunServer) => near !== undefined && sameIp(primary.words, 0, near.words, 0)
  return [...servers.filter(isNear), ...servers.filter((server) => !isNear(server))]
}
