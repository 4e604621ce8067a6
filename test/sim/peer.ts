/**
 * A device of a user: a PeerMachine on a host, its tunnels, and an application that notes what it is told. This is what the
 * SDK does with the same machines, without sockets and promises.
 */
import type { Agreement, OwnPresence, PeerEffect, PeerInput, Ringing } from '../../shared/core/peer/events.ts'
import type { InboxMemory } from '../../shared/core/peer/inbox.ts'
import { PeerMachine } from '../../shared/core/peer/machine.ts'
import { UNFORESEEN } from '../../shared/core/tunnel/foresight.ts'
import { type Identity, identityOf } from '../../shared/crypto/identity.ts'
import { Random } from '../../shared/crypto/random.ts'
import type { PeerId, TunnelId, UserId } from '../../shared/ids.ts'
import type { PresenceRecord } from '../../shared/presence.ts'
import type { FinalOutcome, TunnelTerms } from '../../shared/wire/offers.ts'
import type { Change } from '../../shared/wire/presence.ts'
import type { Dice } from './dice.ts'
import type { Host } from './host.ts'
import { Process } from './process.ts'
import type { System } from './system.ts'
import { Tunnel } from './tunnel.ts'

export type Offered = Extract<PeerEffect, { kind: 'offer' }>
/** The terms on which an offer is accepted, or the reason of its refusal; undefined to let it wait. */
export type Decide = (offer: Offered) => TunnelTerms | string | undefined

export interface Refusal {
  readonly outcome: FinalOutcome
  readonly reason: string
}

/** What became of an offer of this side. */
export interface Attempt {
  readonly to: PeerId
  tunnel?: Tunnel
  refusal?: Refusal
}

const TERMS: TunnelTerms = { clear: false, paths: 'auto' }
const PRESENCE: OwnPresence = { status: 'online', custom: '', metadata: {} }
/** A call of INDEX over HTTPS. */
const INDEX_MS = 80
const encoder = new TextEncoder()
const decoder = new TextDecoder()

export class Peer {
  readonly system: System
  readonly identity: Identity
  readonly user: UserId
  readonly host: Host
  decide: Decide = ({ terms }) => terms
  /** What others were last said to be. */
  readonly seen = new Map<PeerId, PresenceRecord>()
  readonly messages: { readonly from: PeerId; readonly text: string }[] = []
  readonly changes: Change[] = []
  readonly offers: Offered[] = []
  readonly tunnels = new Map<TunnelId, Tunnel>()
  /** Since when it has been online; undefined while it is not. */
  onlineSince: number | undefined
  offlineWhy: string | undefined
  /** Of its last session. */
  node: string | undefined
  readonly #dice: Dice
  #process: Process<PeerInput, PeerEffect> | undefined
  #machine: PeerMachine | undefined
  #memory: readonly InboxMemory[] = []
  #presence = PRESENCE
  #runs = 0
  #ids = 0
  readonly #sent = new Map<number, string>()
  readonly #outcomes = new Map<string, string>()
  readonly #attempts = new Map<number, Attempt>()
  /** Tunnels that the other side has not decided on, by the number of the offer. */
  readonly #ringing = new Map<number, Tunnel>()
  readonly #finds = new Map<number, { done: boolean; readonly records: PresenceRecord[]; error: string }>()

  constructor(system: System, host: Host, user: UserId, name: string, identity?: Identity) {
    this.system = system
    this.#dice = system.world.dice.fork(`peer/${name}`)
    this.identity = identity ?? identityOf(this.#dice.bytes(32))
    this.host = host
    this.user = user
  }

  get id(): PeerId {
    return this.identity.peer
  }

  get online(): boolean {
    return this.onlineSince !== undefined
  }

  /** Started, and neither killed nor gone with a goodbye. */
  get running(): boolean {
    return this.#process?.alive === true && this.offlineWhy !== 'left'
  }

  get machine(): PeerMachine | undefined {
    return this.#machine
  }

  start(): this {
    this.offlineWhy = undefined
    const seed = this.#dice.fork(`run ${++this.#runs}`).bytes(32)
    this.#machine = new PeerMachine({
      identity: this.identity,
      random: new Random(seed),
      presence: this.#presence,
      epoch: this.host.clock,
      memory: this.#memory,
    })
    this.#process = new Process(this.host, this.#machine, [{}], (effect) => this.#on(effect))
    this.#fetchNodes()
    this.#fetchTicket()
    return this
  }

  /** Says goodbye. */
  leave(): void {
    this.#handle({ kind: 'leave' })
  }

  /** Vanishes without a word, tunnels and all. What it has delivered to its application is on disk. */
  kill(): void {
    this.#memory = this.#machine?.memory() ?? []
    this.#process?.kill()
    this.system.model.vanished(this.id)
    for (const tunnel of [...this.tunnels.values(), ...this.#ringing.values()]) tunnel.kill()
    this.tunnels.clear()
    this.#ringing.clear()
    this.onlineSince = undefined
  }

  setPresence(presence: Partial<OwnPresence>): void {
    this.#presence = { ...this.#presence, ...presence }
    this.#handle({ kind: 'presence', presence: this.#presence })
  }

  /** Sends a message that no other is like; its text. */
  send(to: Peer): string {
    const text = this.system.model.nextText(this.id, to.id)
    const id = ++this.#ids
    this.#sent.set(id, text)
    this.#handle({ kind: 'send', id, to: to.id, body: encoder.encode(text) })
    return text
  }

  /** What became of a message: an outcome of RECEIPT, undefined so far. */
  outcomeOf(text: string): string | undefined {
    return this.#outcomes.get(text)
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
    this.#handle({
      kind: 'offer',
      id,
      to: to.id,
      intent,
      terms: { ...TERMS, ...terms },
      foreseen: UNFORESEEN,
    })
    return attempt
  }

  accept(tunnel: TunnelId, terms: TunnelTerms = TERMS): void {
    this.#handle({ kind: 'accept', tunnel, terms, port: 0 })
  }

  refuse(tunnel: TunnelId, reason: string): void {
    this.#handle({ kind: 'refuse', tunnel, reason })
  }

  setInterval(intervalMs: number): void {
    this.#handle({ kind: 'interval', intervalMs })
  }

  /** Its addresses changed, and it noticed. */
  networkChanged(): void {
    this.#handle({ kind: 'networkChanged' })
    for (const tunnel of this.tunnels.values()) tunnel.networkChanged()
  }

  #handle(input: PeerInput): void {
    this.#process?.handle(input)
  }

  #fetchNodes(): void {
    this.#later(() => this.#handle({ kind: 'nodes', nodes: this.system.checkpoints() }))
  }

  #fetchTicket(): void {
    this.#later(() => {
      const issued = this.system.issuer.ticket(this.id, this.system.world.now)
      if (issued !== undefined) this.#handle({ kind: 'ticket', ...issued })
    })
  }

  #later(run: () => void): void {
    const process = this.#process
    this.system.world.after(INDEX_MS, () => {
      if (process === this.#process) run()
    })
  }

  #on(effect: PeerEffect): void {
    this.system.world.event(
      `${this.host.name} ${effect.kind}${effect.kind === 'offline' ? `: ${effect.why}` : ''}`,
    )
    switch (effect.kind) {
      case 'online':
        this.onlineSince = this.system.world.now
        this.node = effect.node
        break
      case 'offline':
        this.onlineSince = undefined
        this.offlineWhy = effect.why
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
      case 'presence':
        this.system.model.heard(this.id, effect.record.peer)
        this.seen.set(effect.record.peer, effect.record)
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
      case 'ringing':
        this.#onRinging(effect.ringing)
        break
      case 'agreed':
        this.#onAgreed(effect.agreement)
        break
      case 'refused':
        this.#ringing.get(effect.id)?.close()
        this.#ringing.delete(effect.id)
        this.#conclude(effect.id, { refusal: effect })
        break
      case 'rejoin':
        this.tunnels.get(effect.tunnel)?.rejoin(effect.direction)
        break
    }
  }

  #onMessage({ from, number, body }: Extract<PeerEffect, { kind: 'message' }>): void {
    const text = decoder.decode(body)
    this.system.model.delivered(this.id, from, text)
    this.messages.push({ from, text })
    this.#handle({ kind: 'taken', from, number })
  }

  #onReceipt({ id, outcome }: Extract<PeerEffect, { kind: 'receipt' }>): void {
    const text = this.#sent.get(id)
    if (text === undefined) throw new Error(`a receipt for ${id}, which was never sent`)
    this.#outcomes.set(text, outcome)
    this.system.model.receipt(text, outcome)
  }

  #onFound({ id, records, error }: Extract<PeerEffect, { kind: 'found' }>): void {
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

  #onRinging(ringing: Ringing): void {
    this.#ringing.set(ringing.id, this.#make({ ...ringing, leg: 0 }))
  }

  #onAgreed(agreement: Agreement): void {
    const { tunnel, peer, id } = agreement
    this.system.model.agreed(tunnel, this.id, peer)
    const made = (id === undefined ? undefined : this.#ready(id, agreement)) ?? this.#make(agreement)
    this.tunnels.set(tunnel, made)
    if (id !== undefined) this.#conclude(id, { tunnel: made })
  }

  /** It got ready while the other side decided, unless that wants other paths. */
  #ready(id: number, agreement: Agreement): Tunnel | undefined {
    const ringing = this.#ringing.get(id)
    this.#ringing.delete(id)
    if (ringing?.agree(agreement) === true) return ringing
    ringing?.close()
    return undefined
  }

  #make({
    tunnel,
    peer,
    leg,
    keys,
    direction,
    terms,
  }: Omit<Agreement, 'keys' | 'expected' | 'id'> & Partial<Pick<Agreement, 'keys'>>): Tunnel {
    return new Tunnel({
      host: this.host,
      seed: this.#dice.fork(`tunnel ${tunnel}`).bytes(32),
      keys,
      direction,
      terms,
      stun: this.system.stunPair(),
      initiator: leg === 0,
      onRejoin: () => this.#handle({ kind: 'rejoin', tunnel, peer, leg }),
      onDatagram: () => this.system.model.carried(tunnel, this.id),
    })
  }

  #conclude(id: number, result: Partial<Attempt>): void {
    const attempt = this.#attempts.get(id)
    if (attempt === undefined) throw new Error(`an answer to offer ${id}, which was never made`)
    Object.assign(attempt, result)
  }
}
