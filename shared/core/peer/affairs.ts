/**
 * Everything between this peer and others, independent of the session that carries it: presence (`shown-status.ts`), messages
 * (`outbox.ts`, `received.ts`), searches (`finds.ts`) and offers (`offers.ts`). A new session sends again whatever has no answer yet.
 */
import type { Identity } from '../../crypto/identity.ts'
import type { Random } from '../../crypto/random.ts'
import { NOWHERE } from '../../wire/address.ts'
import { decodeReceipt, encodeMessage, type Receipt } from '../../wire/messages.ts'
import { FRAME } from '../../wire/numbers.ts'
import {
  type Answer,
  decodeAnswer,
  decodeOffer,
  decodeRejoin,
  encodeAnswer,
  encodeOffer,
  encodeRejoin,
  type Rejoin,
} from '../../wire/offers.ts'
import { decodePrekeyAnswer, encodePrekeyQuestion } from '../../wire/prekeys.ts'
import {
  decodeChange,
  decodeFound,
  decodeFoundEnd,
  decodePresence,
  encodeFind,
  type FoundEnd,
} from '../../wire/presence.ts'
import type { Session } from '../session/session.ts'
import { Budget, COST } from './budget.ts'
import type { OwnPresence, PeerEffect, PeerInput } from './events.ts'
import { Finds, TOO_MANY } from './finds.ts'
import type { InboxMemory } from './inbox.ts'
import { MessageSeals } from './message-seals.ts'
import { Offers } from './offers.ts'
import { Outbox } from './outbox.ts'
import type { PrekeyMemory } from './prekeys.ts'
import { Received } from './received.ts'
import { Rejoins } from './rejoins.ts'
import { ShownStatus } from './shown-status.ts'

export interface AffairsOptions {
  readonly identity: Identity
  readonly random: Random
  readonly presence: OwnPresence
  /** Start time of this SDK: the epoch of its messages. Greater than that of any earlier run. */
  readonly epoch: number
  /** Memory of the messages that an earlier run delivered. */
  readonly memory?: readonly InboxMemory[]
  /**
   * The prekeys that an earlier run stored; none for a new identity. Default: the owner of the machine stores nothing
   * between runs, although it may keep the identity. Messages are then sealed for the identity.
   */
  readonly prekeys?: readonly PrekeyMemory[]
  /** False if tunnels do not mix in ML-KEM although the platform has it. Default: they do if it has. */
  readonly kem?: boolean | undefined
}

/** Inputs that concern other peers. */
export type Wish = Exclude<
  PeerInput,
  { readonly kind: 'nodes' | 'ticket' | 'interval' | 'host' | 'networkChanged' | 'doubt' | 'leave' }
>

export class Affairs {
  readonly #seals: MessageSeals
  readonly #outbox: Outbox
  readonly #received: Received
  readonly #offers: Offers
  readonly #finds = new Finds()
  readonly #rejoins = new Rejoins()
  readonly #budget = new Budget()
  readonly #status: ShownStatus
  readonly #emit: (effect: PeerEffect) => void
  #now = 0
  #nodeNow = 0

  constructor(
    { identity, random, presence, epoch, memory, prekeys, kem }: AffairsOptions,
    emit: (effect: PeerEffect) => void,
  ) {
    this.#status = new ShownStatus(presence)
    this.#seals = new MessageSeals(identity, random, prekeys)
    this.#outbox = new Outbox(epoch, (message) => this.#seals.seal(message, this.#now, this.#nodeNow))
    this.#received = new Received(memory, this.#seals, emit)
    this.#offers = new Offers(identity, random, kem)
    this.#emit = emit
  }

  /** The messages that the application has taken. After a crash it gets the others again. */
  memory(): InboxMemory[] {
    return this.#received.memory()
  }

  /** Must be called before every other method. `nodeNow` is the same moment by the node's clock. */
  at(now: number, nodeNow: number): void {
    this.#now = now
    this.#nodeNow = nodeNow
    this.#received.expire(now)
    this.#seals.others.expire(now)
    for (const id of this.#outbox.expire(now)) this.#emit({ kind: 'unanswered', what: 'send', id })
    for (const id of this.#finds.expire(now)) this.#emit({ kind: 'unanswered', what: 'find', id })
  }

  /** Starts a new session, which knows nothing of what the last one carried. */
  restart(): void {
    this.#status.restart()
    this.#budget.renew(this.#now)
    this.#outbox.restart()
    this.#seals.others.restart()
    this.#finds.restart()
    this.#offers.restart()
    this.#rejoins.restart()
  }

  /** Sends what is queued, as far as the session accepts it. */
  fill(session: Session): void {
    const send = (type: number, body: Uint8Array) => session.room > 0 && session.send(type, body)
    const ask = (cost: number, type: number, body: () => Uint8Array) =>
      session.room > 0 && this.#budget.take(cost, this.#now) && session.send(type, body())
    this.#renewPrekey()
    this.#status.send(this.#seals.own.published, (body) => send(FRAME.STATUS, body))
    this.#rejoins.send(this.#now, (rejoin) => send(FRAME.REJOIN, encodeRejoin(rejoin)))
    this.#offers.send(this.#now, (offer) => ask(COST.offer, FRAME.OFFER, () => encodeOffer(offer)))
    this.#finds.send(this.#now, (find) => ask(COST.find, FRAME.FIND, () => encodeFind(find)))
    this.#seals.others.send(this.#now, (question) =>
      ask(COST.prekey, FRAME.ASK_PREKEY, () => encodePrekeyQuestion(question)),
    )
    this.#outbox.send(this.#now, (message) => ask(COST.message, FRAME.MESSAGE, () => encodeMessage(message)))
  }

  /** Time at which `fill` has something to send again. */
  fillAt(): number {
    return Math.min(
      Math.max(this.#offers.deadline(), this.#budget.availableAt(COST.offer)),
      Math.max(this.#finds.deadline(), this.#budget.availableAt(COST.find)),
      Math.max(this.#seals.others.deadline(), this.#budget.availableAt(COST.prekey)),
      Math.max(this.#outbox.deadline(), this.#budget.availableAt(COST.message)),
      this.#now + this.#seals.own.deadline(this.#nodeNow) - this.#nodeNow,
    )
  }

  /** Time at which something waits too long and is given up. */
  expiresAt(): number {
    const ours = Math.min(this.#received.deadline(), this.#outbox.expiresAt(), this.#finds.expiresAt())
    return Math.min(ours, this.#seals.others.expiresAt())
  }

  wish(wish: Wish, session: Session | undefined): void {
    switch (wish.kind) {
      case 'presence':
        this.#status.set(wish.presence)
        break
      case 'send':
        this.#onSend(wish)
        break
      case 'taken':
        this.#received.taken(wish.from, wish.number, session)
        break
      case 'prekeysStored':
        if (this.#seals.own.stored(this.#nodeNow)) this.#status.changed()
        break
      case 'find':
        this.#finds.add(wish.id, wish.filter, wish.limit, this.#now)
        break
      case 'offer':
        this.#onOfferWanted(wish)
        break
      case 'forget':
        if (wish.what === 'send') this.#outbox.withdraw(wish.id)
        else this.#finds.withdraw(wish.id)
        break
      case 'withdraw':
        this.#offers.withdraw(wish.tunnel)
        break
      case 'accept':
        this.#onAccept(wish, session)
        break
      case 'refuse':
        answer(session, this.#offers.refuse(wish.tunnel, wish.reason))
        break
      case 'rejoin':
        this.#rejoins.want(wish, this.#now)
        break
      case 'unknownTunnel':
        answer(session, { ...wish, outcome: 'refused', noise: new Uint8Array(0), expected: NOWHERE })
    }
  }

  frame(session: Session, type: number, body: Uint8Array): void {
    switch (type) {
      case FRAME.MESSAGE:
        this.#received.take(body, session, this.#now)
        break
      case FRAME.RECEIPT:
        this.#onReceipt(body)
        break
      case FRAME.PRESENCE:
        this.#tell(decodePresence(body), (record) => ({ kind: 'presence', record }))
        break
      case FRAME.CHANGE:
        this.#tell(decodeChange(body), (change) => ({ kind: 'change', change }))
        break
      case FRAME.FOUND:
        this.#tell(decodeFound(body), (found) => this.#finds.takeFound(found))
        break
      case FRAME.FOUND_END:
        this.#tell(decodeFoundEnd(body), (end) => this.#onFoundEnd(end))
        break
      case FRAME.PREKEY:
        this.#onPrekey(body)
        break
      case FRAME.OFFER:
        this.#onOffer(body, session)
        break
      case FRAME.ANSWER:
        this.#tell(decodeAnswer(body), (given) => this.#onAnswer(given))
        break
      case FRAME.REJOIN:
        this.#tell(decodeRejoin(body), (rejoin) => this.#onRejoin(rejoin))
    }
  }

  #tell<T>(value: T | undefined, effectOf: (value: T) => PeerEffect | undefined): void {
    const effect = value === undefined ? undefined : effectOf(value)
    if (effect !== undefined) this.#emit(effect)
  }

  #onSend({ id, to, body }: Wish & { kind: 'send' }): void {
    if (this.#seals.canSealFor(to)) this.#outbox.add(id, to, body, this.#nodeNow)
    else this.#emit({ kind: 'receipt', id, outcome: 'unknownPeer' })
  }

  #onReceipt(body: Uint8Array): void {
    const receipt = decodeReceipt(body)
    if (receipt?.outcome === 'rateLimited') {
      this.#budget.exhaust(this.#now)
      this.#outbox.postpone(receipt, this.#now)
      return
    }
    if (receipt?.outcome === 'unreadable' && !this.#isUnreadable(receipt)) return
    const id = receipt && this.#outbox.settle(receipt)
    if (id !== undefined) this.#emit({ kind: 'receipt', id, outcome: receipt!.outcome })
  }

  /** False if the message is sealed again for another key of its recipient, or has been. */
  #isUnreadable(receipt: Receipt): boolean {
    const verdict = this.#outbox.unreadable(receipt)
    if (typeof verdict === 'object') this.#seals.others.refuse(receipt.peer, verdict.again)
    return verdict === 'over'
  }

  #onPrekey(body: Uint8Array): void {
    const answer = decodePrekeyAnswer(body)
    if (answer !== undefined) this.#seals.others.take(answer, this.#now, this.#nodeNow)
  }

  /** Makes a new prekey if one is due. It is published when it is stored. */
  #renewPrekey(): void {
    const { own } = this.#seals
    const { published } = own
    const prekeys = own.tick(this.#nodeNow)
    if (prekeys !== undefined) this.#emit({ kind: 'prekeys', prekeys })
    if (own.published !== published) this.#status.changed()
  }

  #onFoundEnd(end: FoundEnd): PeerEffect | undefined {
    if (end.error === TOO_MANY) this.#budget.exhaust(this.#now)
    return this.#finds.takeEnd(end, this.#now)
  }

  #onAnswer(given: Answer): PeerEffect | undefined {
    if (given.outcome === 'rateLimited') this.#budget.exhaust(this.#now)
    if (this.#offers.isOpen(given.tunnel)) return this.#offers.takeAnswer(given, this.#now)
    const { tunnel, peer, outcome } = given
    if (outcome === 'refused') return { kind: 'forgotten', tunnel, peer }
    return outcome === 'offline' ? { kind: 'absent', tunnel, peer } : undefined
  }

  #onRejoin({ tunnel, peer, direction }: Rejoin): PeerEffect | undefined {
    this.#rejoins.settle(tunnel)
    if (direction === undefined) return { kind: 'absent', tunnel, peer }
    return { kind: 'rejoin', tunnel, peer, direction }
  }

  #onOfferWanted({ kind: _, ...wish }: Wish & { kind: 'offer' }): void {
    const { tunnel } = wish
    const made = this.#offers.offer({ ...wish, sentAt: this.#nodeNow })
    if (!made) this.#emit({ kind: 'refused', tunnel, outcome: 'unknownPeer', reason: '' })
  }

  #onOffer(body: Uint8Array, session: Session): void {
    const offer = decodeOffer(body)
    const outcome = offer && this.#offers.takeOffer(offer, this.#nodeNow)
    if (outcome === undefined) return
    if ('kind' in outcome) this.#emit(outcome)
    else answer(session, outcome)
  }

  #onAccept({ tunnel, terms, port }: Wish & { kind: 'accept' }, session: Session | undefined): void {
    const decided = this.#offers.accept(tunnel, terms, port)
    answer(session, decided?.answer)
    if (decided?.agreement !== undefined) this.#emit({ kind: 'agreed', agreement: decided.agreement })
    else this.#emit({ kind: 'refused', tunnel, outcome: 'refused', reason: decided ? 'paths' : 'too-late' })
  }
}

/** Sends an answer if there is a session. Otherwise the offer is retransmitted and answered then. */
function answer(session: Session | undefined, given: Answer | undefined): void {
  if (given !== undefined) session?.send(FRAME.ANSWER, encodeAnswer(given))
}
