/**
 * A user's device: the Endpoint that the SDK drives too, on a host, with an application that records what it is told. The
 * system answers for INDEX. This class decides nothing.
 */
import { Endpoint } from '../../shared/core/peer/endpoint.ts'
import type {
  CallFailure,
  EndpointEffect,
  EndpointInput,
  OwnPresence,
} from '../../shared/core/peer/events.ts'
import type { InboxMemory } from '../../shared/core/peer/inbox.ts'
import type { PrekeyMemory } from '../../shared/core/peer/prekeys.ts'
import { HOME_SOCKET } from '../../shared/core/peer/socket-book.ts'
import { Tunnels } from '../../shared/core/peer/tunnels.ts'
import { type Identity, identityOf } from '../../shared/crypto/identity.ts'
import { Random } from '../../shared/crypto/random.ts'
import type { PeerId, TunnelId, UserId } from '../../shared/ids.ts'
import type { PresenceRecord } from '../../shared/presence.ts'
import { formatIp } from '../../shared/wire/address.ts'
import type { FinalOutcome, TunnelTerms } from '../../shared/wire/offers.ts'
import type { Change } from '../../shared/wire/presence.ts'
import { ChangingWays } from './changing-ways.ts'
import type { Dice } from './dice.ts'
import { Ground, ipsOf } from './ground.ts'
import type { Host } from './host.ts'
import { Process } from './process.ts'
import type { System } from './system.ts'
import { Tunnel } from './tunnel.ts'

export type Offered = Extract<EndpointEffect, { kind: 'offer' }>
/** Decides an offer: the terms to accept it on, the reason to refuse it, or undefined to let it wait. */
export type Decide = (offer: Offered) => TunnelTerms | string | undefined

export interface Refusal {
  readonly outcome: FinalOutcome
  readonly reason: string
}

/** The result of an offer made by this side. */
export interface Attempt {
  readonly to: PeerId
  tunnel?: Tunnel
  refusal?: Refusal
  /** Reason of the failure, if it failed. */
  failure?: CallFailure
}

const TERMS: TunnelTerms = { clear: false, paths: 'auto' }
const PRESENCE: OwnPresence = { status: 'online', custom: '', metadata: {} }
/** The SDK's default. */
const TIMEOUT_MS = 30_000
/** Duration of a call to INDEX over HTTPS, in milliseconds. */
const INDEX_MS = 80
/** Effects that are written to the trace. Tunnels write their own events. */
const TOLD = new Set<EndpointEffect['kind']>([
  ...(['online', 'offline', 'ticketWanted', 'nodesWanted', 'message', 'receipt', 'presence'] as const),
  'unanswered',
  ...(['change', 'found', 'offer', 'lapsed', 'ringing', 'agreed', 'opened', 'failed'] as const),
])
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class Peer {
  readonly system: System
  readonly identity: Identity
  readonly user: UserId
  readonly host: Host
  decide: Decide = ({ terms }) => terms
  /** Called when it has signed in. */
  cameOnline: () => void = () => {}
  /** The last presence record received for each peer. */
  readonly seen = new Map<PeerId, PresenceRecord>()
  readonly messages: { readonly from: PeerId; readonly text: string }[] = []
  readonly changes: Change[] = []
  readonly offers: Offered[] = []
  readonly tunnels = new Map<TunnelId, Tunnel>()
  /** Time since which it has been online; undefined while it is not. */
  onlineSince: number | undefined
  offlineWhy: string | undefined
  /** New public addresses that it was told of, with the times. */
  readonly addresses: { readonly ip: string; readonly at: number }[] = []
  /** Node of its last session. */
  node: string | undefined
  readonly #dice: Dice
  #process: Process<EndpointInput, EndpointEffect> | undefined
  #machine: Endpoint | undefined
  readonly #ground: Ground
  /** The application on each tunnel, from the first request for the tunnel on. */
  readonly #applications = new Map<TunnelId, Tunnel>()
  #memory: readonly InboxMemory[] = []
  /** The prekeys as if on disk; undefined if it stores none. */
  prekeys: readonly PrekeyMemory[] | undefined = []
  #presence = PRESENCE
  #runs = 0
  #ids = 0
  readonly #sent = new Map<number, string>()
  readonly #outcomes = new Map<string, string>()
  readonly #attempts = new Map<number, Attempt>()
  readonly #finds = new Map<number, { done: boolean; readonly records: PresenceRecord[]; error: string }>()

  constructor(system: System, host: Host, user: UserId, name: string, identity?: Identity) {
    this.system = system
    this.#dice = system.world.dice.fork(`peer/${name}`)
    this.identity = identity ?? identityOf(this.#dice.bytes(32))
    this.host = host
    this.user = user
    this.#ground = new Ground({
      host,
      process: () => this.#process!,
      application: (tunnel) => this.#application(tunnel),
    })
  }

  get id(): PeerId {
    return this.identity.peer
  }

  get online(): boolean {
    return this.onlineSince !== undefined
  }

  /** True if it was started, and neither killed nor left. */
  get running(): boolean {
    return this.#process?.alive === true && this.offlineWhy !== 'left'
  }

  start(): this {
    this.offlineWhy = undefined
    const seed = this.#dice.fork(`run ${++this.#runs}`).bytes(32)
    this.#machine = new Endpoint({
      identity: this.identity,
      random: new Random(seed),
      presence: this.#presence,
      tunnels: (random) => new Tunnels({ random }),
      // Node's ML-KEM draws its own randomness: two runs with one seed would differ.
      kem: false,
      epoch: this.host.clock,
      memory: this.#memory,
      ...(this.prekeys && { prekeys: this.prekeys }),
    })
    this.#process = new Process(this.host, this.#machine, [{}], (effect) => this.#on(effect))
    this.host.ways = new ChangingWays({
      host: this.host,
      home: () => this.#process?.sockets[HOME_SOCKET],
      changed: (blocked) => this.host.world.after(0, () => this.#handle({ kind: 'udp', blocked })),
    })
    this.#handle({ kind: 'host', ips: ipsOf(this.host) })
    this.#handle({ kind: 'udp', blocked: this.host.udpBlocked })
    this.listen({})
    this.#fetchNodes()
    this.#fetchTicket()
    return this
  }

  /** Sets whether its application accepts messages and offers. */
  listen({
    messages = true,
    offers = true,
  }: {
    readonly messages?: boolean
    readonly offers?: boolean
  }): void {
    this.#handle({ kind: 'listening', messages, offers })
  }

  /** Leaves in an orderly way. */
  leave(): void {
    this.#handle({ kind: 'leave' })
  }

  /**
   * Stops without telling anybody; its tunnels stop too. Messages delivered to its application are remembered, as if on disk.
   */
  kill(): void {
    this.#memory = this.#machine?.memory() ?? []
    this.#process?.kill()
    this.system.model.vanished(this.id)
    for (const tunnel of this.#applications.values()) tunnel.killed()
    this.tunnels.clear()
    this.#applications.clear()
    this.onlineSince = undefined
  }

  setPresence(presence: Partial<OwnPresence>): void {
    this.#presence = { ...this.#presence, ...presence }
    this.#handle({ kind: 'presence', presence: this.#presence })
  }

  /** Sends a message with a unique text, and returns the text. */
  send(to: Peer): string {
    const text = this.system.model.nextText(this.id, to.id)
    const id = ++this.#ids
    this.#sent.set(id, text)
    this.#handle({ kind: 'send', id, to: to.id, body: encoder.encode(text) })
    return text
  }

  /** Returns the outcome of a message from its RECEIPT; undefined until it comes. */
  outcomeOf(text: string): string | undefined {
    return this.#outcomes.get(text)
  }

  /** Forgets what it was told and the outcomes of what it asked for, as an application does that runs for days. */
  forget(): void {
    this.messages.length = 0
    this.changes.length = 0
    this.offers.length = 0
    this.addresses.length = 0
    for (const [id, text] of this.#sent) if (this.#outcomes.delete(text)) this.#sent.delete(id)
    for (const [id, { done }] of this.#finds) if (done) this.#finds.delete(id)
  }

  find(
    filter: string,
    limit = 100,
  ): { done: boolean; readonly records: readonly PresenceRecord[]; error: string } {
    const id = ++this.#ids
    const search = { done: false, records: [], error: '' }
    this.#finds.set(id, search)
    this.#handle({ kind: 'find', id, filter, limit })
    return search
  }

  connect(to: Peer, terms: Partial<TunnelTerms> = {}, intent = 'play'): Attempt {
    const id = ++this.#ids
    const attempt: Attempt = { to: to.id }
    this.#attempts.set(id, attempt)
    const call = { id, to: to.id, intent, terms: { ...TERMS, ...terms }, timeoutMs: TIMEOUT_MS }
    this.#handle({ kind: 'connect', ...call })
    return attempt
  }

  accept(tunnel: TunnelId, terms: TunnelTerms = TERMS): void {
    this.#handle({ kind: 'accept', tunnel, terms })
  }

  refuse(tunnel: TunnelId, reason: string): void {
    this.#handle({ kind: 'refuse', tunnel, reason })
  }

  /** Tells the endpoint that the host's addresses changed. */
  networkChanged(): void {
    this.#handle({ kind: 'udp', blocked: this.host.udpBlocked })
    this.#handle({ kind: 'moved', ips: ipsOf(this.host) })
  }

  #handle(input: EndpointInput): void {
    this.#process?.handle(input)
  }

  #fetchNodes(): void {
    this.#later(() =>
      this.#handle({ kind: 'nodes', nodes: this.system.checkpoints(), stun: this.system.stunServers() }),
    )
  }

  #fetchTicket(): void {
    this.#later(() => {
      const issued = this.system.issuer.ticket(this.id, this.system.world.now)
      if (issued === undefined) return
      const expiresAt = issued.expiresAt + this.host.clockOffsetMs
      this.#handle({ kind: 'ticket', ...issued, expiresAt })
    })
  }

  #later(run: () => void): void {
    const process = this.#process
    this.system.world.after(INDEX_MS, () => {
      if (process === this.#process) run()
    })
  }

  #on(effect: EndpointEffect): void {
    if (TOLD.has(effect.kind)) this.#tell(effect)
    switch (effect.kind) {
      case 'online':
        this.onlineSince = this.system.world.now
        this.node = effect.node
        this.cameOnline()
        break
      case 'offline':
        this.onlineSince = undefined
        this.offlineWhy = effect.why
        break
      case 'address':
        this.addresses.push({ ip: formatIp(effect.address.words), at: this.system.world.now })
        break
      case 'ticketWanted':
        this.#fetchTicket()
        break
      case 'nodesWanted':
        this.#fetchNodes()
        break
      case 'message':
        this.#onMessage(effect)
        break
      case 'receipt':
        this.#onReceipt(effect)
        break
      case 'prekeys':
        this.prekeys = effect.prekeys
        this.#handle({ kind: 'prekeysStored' })
        break
      case 'presence':
        this.system.model.heard(this.id, effect.record.peer)
        this.seen.set(effect.record.peer, effect.record)
        break
      case 'unanswered':
        this.#onUnanswered(effect)
        break
      case 'change':
        this.changes.push(effect.change)
        break
      case 'found':
        this.#onFound(effect)
        break
      case 'offer':
        this.#onOffer(effect)
        break
      case 'agreed':
        this.#onAgreed(effect)
        break
      case 'failed':
        this.#onFailed(effect)
        break
      case 'missed':
      case 'lapsed':
      case 'opened':
      case 'ringing':
      case 'lookAtRouter':
        break
      default:
        this.#ground.perform(effect)
    }
  }

  #tell(effect: EndpointEffect): void {
    const why = effect.kind === 'offline' ? `: ${effect.why}` : ''
    this.system.world.event(`${this.host.name} ${effect.kind}${why}`)
  }

  #onMessage({ from, number, body }: Extract<EndpointEffect, { kind: 'message' }>): void {
    const text = decoder.decode(body)
    this.system.model.delivered(this.id, from, text)
    this.messages.push({ from, text })
    this.#handle({ kind: 'taken', from, number })
  }

  #onReceipt({ id, outcome }: Extract<EndpointEffect, { kind: 'receipt' }>): void {
    const text = this.#sent.get(id)
    if (text === undefined) throw new Error(`a receipt for ${id}, which was never sent`)
    this.#outcomes.set(text, outcome)
    this.system.model.receipt(text, outcome)
  }

  #onUnanswered({ what, id }: Extract<EndpointEffect, { kind: 'unanswered' }>): void {
    const search = this.#finds.get(id)
    if (what === 'send') this.#outcomes.set(this.#sent.get(id)!, 'unanswered')
    else if (search !== undefined) Object.assign(search, { done: true, error: 'unanswered' })
  }

  #onFound({ id, records, error }: Extract<EndpointEffect, { kind: 'found' }>): void {
    const search = this.#finds.get(id)
    if (search === undefined) throw new Error(`an answer to ${id}, which was never asked`)
    for (const { peer } of records) this.system.model.heard(this.id, peer)
    search.records.push(...records)
    search.error = error
    search.done = true
  }

  #onOffer(offer: Offered): void {
    this.system.model.heard(this.id, offer.from)
    this.offers.push(offer)
    const decision = this.decide(offer)
    if (typeof decision === 'string') this.refuse(offer.tunnel, decision)
    else if (decision !== undefined) this.accept(offer.tunnel, decision)
  }

  #onAgreed({ tunnel, peer, id }: Extract<EndpointEffect, { kind: 'agreed' }>): void {
    this.system.model.agreed(tunnel, this.id, peer)
    const made = this.#application(tunnel)
    made.initiator = id !== undefined
    this.tunnels.set(tunnel, made)
    if (id !== undefined) this.#conclude(id, { tunnel: made })
  }

  #onFailed({ id, why, tunnel }: Extract<EndpointEffect, { kind: 'failed' }>): void {
    if (id === undefined) return
    if (why.kind === 'timeout' && this.system.model.timedOut(tunnel)) this.tunnels.delete(tunnel)
    this.#conclude(id, { failure: why, ...(why.kind === 'refused' && { refusal: why }) })
  }

  #application(tunnel: TunnelId): Tunnel {
    const known = this.#applications.get(tunnel)
    if (known !== undefined) return known
    const machine = this.#machine
    const made = new Tunnel({
      host: this.host,
      use: (use) => this.#handle({ kind: 'use', tunnel, use }),
      machine: () => machine?.tunnels.machineOf(tunnel),
      onDatagram: () => this.system.model.carried(tunnel, this.id),
    })
    this.#applications.set(tunnel, made)
    return made
  }

  #conclude(id: number, result: Partial<Attempt>): void {
    const attempt = this.#attempts.get(id)
    if (attempt === undefined) throw new Error(`an answer to offer ${id}, which was never made`)
    Object.assign(attempt, result)
  }
}
