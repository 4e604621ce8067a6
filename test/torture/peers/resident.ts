/** One peer under torture: joins, leaves and returns with the same home, sends, and records what it sees. */
import { join, type Peer, type PeerId } from '../../../peer/index.ts'
import type { Dice } from '../../sim/dice.ts'
import type { Recorder } from '../recorder.ts'
import type { GroupPlan, PeerPlan } from './messages.ts'

/** Unsettled messages beyond which a peer sends no more for now. */
const MOST_PENDING = 40
const AGAIN_MS = 500
const STATUSES = ['online', 'away', 'busy'] as const

interface Said {
  readonly status: (typeof STATUSES)[number]
  readonly custom: string
}

export class Resident {
  readonly name: string
  sent = 0
  received = 0
  pending = 0
  readonly #plan: PeerPlan
  readonly #group: GroupPlan
  readonly #recorder: Recorder
  readonly #dice: Dice
  #peer: Peer | undefined
  #isWanted = false
  #run = 0
  #status: (typeof STATUSES)[number] = 'online'
  #custom = ''
  #metadata: { readonly round: number } = { round: -1 }

  constructor(plan: PeerPlan, group: GroupPlan, recorder: Recorder, dice: Dice) {
    this.name = `p${plan.peer}`
    this.#plan = plan
    this.#group = group
    this.#recorder = recorder
    this.#dice = dice
  }

  get number(): number {
    return this.#plan.peer
  }

  get id(): PeerId | undefined {
    return this.#peer?.peer
  }

  get isHere(): boolean {
    return this.#peer !== undefined
  }

  /** Joins, with as many attempts as it takes. */
  async come(): Promise<void> {
    this.#isWanted = true
    const { invite, home } = this.#plan
    while (this.#isWanted && this.#peer === undefined) {
      try {
        const said = { status: this.#status, custom: this.#custom, metadata: this.#metadata }
        const peer = await join({ index: this.#group.index, invite, home, name: this.name, ...said })
        this.#opened(peer, said)
        if (!this.#isWanted) await this.leave()
      } catch {
        await new Promise((wake) => setTimeout(wake, AGAIN_MS))
      }
    }
  }

  async leave(): Promise<void> {
    this.#isWanted = false
    const peer = this.#peer
    if (peer === undefined) return
    this.#peer = undefined
    await peer.close()
    this.#recorder.record({ kind: 'left', peer: this.name, run: this.#run })
  }

  /** Sends one message to another peer, unless too many have no outcome yet. */
  send(to: string, id: PeerId): void {
    const peer = this.#peer
    if (peer === undefined || this.pending >= MOST_PENDING) return
    const message = `${this.name}.${++this.sent}`
    this.pending++
    this.#recorder.record({ kind: 'sent', id: message, from: this.name, to, run: this.#run })
    const padding = this.#dice.chance(0.1) ? 'x'.repeat(this.#dice.below(900)) : ''
    const settle = (outcome: string) => {
      this.pending--
      this.#recorder.record({ kind: 'settled', id: message, outcome })
    }
    peer.send(id, `${message} ${padding}`).then(settle, (error) => settle(error.code ?? `${error}`))
  }

  speak(round: number): void {
    this.#status = this.#dice.pick(STATUSES)
    this.#custom = `r${round}`
    this.#metadata = { round }
    if (this.#peer !== undefined) this.#say(this.#peer)
  }

  look(round: number, phase: 'all' | 'left', names: Readonly<Record<string, string>>): void {
    const peer = this.#peer
    if (peer === undefined) return
    const others: Record<string, string> = {}
    for (const { peer: id, status, custom } of peer.roster) {
      const name = names[id]
      if (name !== undefined) others[name] = `${status} ${custom}`
    }
    const networks = peer.networks.map((network) => `n${this.#group.networks.indexOf(network)}`)
    this.#recorder.record({ kind: 'sees', peer: this.name, round, phase, others, networks })
  }

  /** Searches by live metadata. */
  async find(round: number, names: Readonly<Record<string, string>>): Promise<void> {
    try {
      const found = (await this.#peer?.find(`metadata.round eq ${round}`, { limit: 100 })) ?? []
      const peers = found.flatMap(({ peer }) => names[peer] ?? [])
      this.#recorder.record({ kind: 'found', peer: this.name, round, peers })
    } catch {
      // A search that fails tells nothing.
    }
  }

  #say(peer: Peer): void {
    this.#recorder.record({ kind: 'said', peer: this.name, status: this.#status, custom: this.#custom })
    peer.status(this.#status, { custom: this.#custom, metadata: this.#metadata })
  }

  #opened(peer: Peer, said: Said): void {
    peer.on('error', () => {})
    void peer.roster
    this.#run++
    const { user } = this.#plan
    this.#recorder.record({ kind: 'joined', peer: this.name, user, run: this.#run })
    this.#recorder.record({ kind: 'said', peer: this.name, status: said.status, custom: said.custom })
    peer.on('message', ({ text }) => {
      this.received++
      this.#recorder.record({ kind: 'received', id: text.split(' ', 1)[0] ?? '', by: this.name })
    })
    this.#peer = peer
    // It was to speak while it joined.
    if (said.custom !== this.#custom || said.status !== this.#status) this.#say(peer)
  }
}
