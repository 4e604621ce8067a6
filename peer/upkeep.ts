/**
 * Keeps a peer online: its session with a CHECKPOINT, its ticket, the list of nodes, and what its network does to it. What
 * the session brings of other peers is passed on.
 */
import type { OfflineReason, OwnPresence, PeerEffect, PeerInput } from '../shared/core/peer/events.ts'
import type { Identity } from '../shared/crypto/identity.ts'
import type { Account } from './account.ts'
import type { Home } from './home/home.ts'
import { MappingLife } from './mapping-life.ts'
import { NetworkWatch } from './net/network-watch.ts'
import { Session } from './session.ts'

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
  readonly online: () => void
  readonly offline: (why: OfflineReason) => void
  readonly affair: (effect: Affair) => void
  /** The addresses of this machine changed, or it woke up. */
  readonly networkChanged: () => void
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
    const { identity, home, account, presence, fault } = options
    this.#options = options
    const perform = (effect: PeerEffect) => this.#perform(effect)
    this.#session = new Session({ identity, presence, delivered: home.delivered, perform, fault })
    this.#watch = new NetworkWatch(() => this.#networkChanged())
    this.handle({ kind: 'nodes', nodes: account.checkpoints })
    this.handle({ kind: 'ticket', ...account.ticket })
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
        this.#measureMapping()
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
    this.handle({ kind: 'networkChanged' })
    void this.#mappingLife?.close()
    this.#mappingLife = undefined
    this.#measureMapping()
    this.#options.networkChanged()
  }

  /** Once for each network that this machine is in. */
  #measureMapping(): void {
    const server = this.#options.account.stun[0]?.primary
    if (this.#mappingLife !== undefined || server === undefined || this.#closed) return
    const measured = (intervalMs: number) => this.handle({ kind: 'interval', intervalMs })
    this.#mappingLife = new MappingLife({ server, measured, fault: this.#options.fault })
  }
}
