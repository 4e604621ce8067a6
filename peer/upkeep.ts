/**
 * Keeps a peer online: its session with a CHECKPOINT, its ticket, the list of nodes, and what its network does to it. What
 * the session brings of other peers is passed on.
 */
import type { OfflineReason, OwnPresence, PeerEffect, PeerInput } from '../shared/core/peer/events.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import type { Account } from './account.ts'
import type { Carriage } from './carriage.ts'
import type { Home } from './home/home.ts'
import { MappingLife } from './mapping-life.ts'
import { NetworkWatch } from './net/network-watch.ts'
import { Session } from './session.ts'

/** A carried peer shows that it is there as seldom as a node takes it: each time costs four messages of the gateway. */
const CARRIED_INTERVAL_MS = 55_000

/** What concerns others. */
export type Affair = Exclude<
  PeerEffect,
  { readonly kind: 'online' | 'offline' | 'ticketWanted' | 'nodesWanted' }
>

export interface UpkeepOptions {
  readonly identity: Identity
  readonly home: Home
  readonly account: Account
  readonly presence: OwnPresence
  readonly carriage: Carriage
  /** False: UDP is never used. */
  readonly udp: boolean
  readonly online: () => void
  readonly offline: (why: OfflineReason) => void
  readonly affair: (effect: Affair) => void
  /** The addresses of this machine changed, or it woke up. */
  readonly networkChanged: () => void
  /** UDP is dropped here from now on, or works. */
  readonly blocked: (blocked: boolean) => void
  /** Something will not mend itself. */
  readonly fault: (error: unknown) => void
}

export class Upkeep {
  readonly #options: UpkeepOptions
  readonly #session: Session
  readonly #watch: NetworkWatch
  #mappingLife: MappingLife | undefined
  #closed = false

  constructor(options: UpkeepOptions) {
    const { identity, home, account, presence, carriage, udp, fault } = options
    this.#options = options
    const perform = (effect: PeerEffect) => this.#perform(effect)
    const onBlocked = (blocked: boolean) => this.#onBlocked(blocked)
    const { delivered } = home
    const own = { identity, presence, delivered, carriage, udp }
    this.#session = new Session({ ...own, onBlocked, perform, fault })
    this.#watch = new NetworkWatch(() => this.#networkChanged())
    this.handle({ kind: 'nodes', nodes: account.checkpoints })
    this.handle({ kind: 'ticket', ...account.ticket })
  }

  /** UDP is known to be dropped here, or not wanted. */
  get isBlocked(): boolean {
    return this.#session.isBlocked
  }

  handle(input: PeerInput): void {
    this.#session.handle(input)
  }

  /** Says goodbye to the node. */
  async close(): Promise<void> {
    this.#closed = true
    this.#options.account.close()
    await Promise.all([this.#session.close(), this.#watch.close(), this.#mappingLife?.close()])
  }

  #perform(effect: PeerEffect): void {
    switch (effect.kind) {
      case 'online':
        this.#options.account.signedIn(effect.node)
        this.#setPace()
        this.#options.online()
        break
      case 'offline':
        this.#options.offline(effect.why)
        break
      case 'ticketWanted':
        void this.#renew(async () => ({ kind: 'ticket', ...(await this.#options.account.renewTicket()) }))
        break
      case 'nodesWanted':
        void this.#renew(async () => ({ kind: 'nodes', nodes: await this.#options.account.refreshNodes() }))
        break
      default:
        this.#options.affair(effect)
    }
  }

  async #renew(ask: () => Promise<PeerInput>): Promise<void> {
    try {
      this.handle(await ask())
    } catch (error) {
      if (!this.#closed) this.#options.fault(error)
    }
  }

  #networkChanged(): void {
    this.#options.carriage.networkChanged()
    this.handle({ kind: 'networkChanged' })
    this.#forgetMapping()
    this.#setPace()
    this.#options.networkChanged()
  }

  #onBlocked(blocked: boolean): void {
    this.#forgetMapping()
    this.#setPace()
    this.#options.blocked(blocked)
  }

  /** No NAT has to be kept open by what is carried. */
  #setPace(): void {
    if (this.isBlocked) this.handle({ kind: 'interval', intervalMs: CARRIED_INTERVAL_MS })
    else this.#measureMapping()
  }

  #forgetMapping(): void {
    void this.#mappingLife?.close()
    this.#mappingLife = undefined
  }

  /** Once for each network that this machine is in. */
  #measureMapping(): void {
    const server = this.#options.account.stun[0]?.primary
    if (this.#mappingLife !== undefined || server === undefined || this.#closed) return
    const measured = (intervalMs: number) => this.handle({ kind: 'interval', intervalMs })
    this.#mappingLife = new MappingLife({ server, measured, fault: this.#options.fault })
  }
}
