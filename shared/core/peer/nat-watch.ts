/**
 * Surveys the NAT of an endpoint while it signs in, whenever it is online again, and after each change of the network.
 * A new tunnel uses the result, so that an attempt need not wait for its own evidence.
 */
import type { Batch } from '../../wire/batch.ts'
import { Hosted } from './hosted.ts'
import { type NatNews, NatSurvey } from './nat-survey.ts'
import type { Part } from './socket-book.ts'
import type { Surroundings } from './surroundings.ts'

const NEVER = Number.POSITIVE_INFINITY

type State =
  | { readonly kind: 'idle' }
  /** The socket is being opened. */
  | { readonly kind: 'opening'; readonly socket: number }
  | { readonly kind: 'looking'; readonly hosted: Hosted<never, NatNews> }

export class NatWatch implements Part {
  readonly slot: number
  readonly #around: Surroundings
  #state: State = { kind: 'idle' }

  constructor(slot: number, around: Surroundings) {
    this.slot = slot
    this.#around = around
  }

  /** Starts a new survey: the earlier result may be wrong now. */
  look(): void {
    const { book } = this.#around
    this.#around.nat = undefined
    this.end()
    this.#state = { kind: 'opening', socket: book.open(this, [0], 'own')[0]! }
  }

  /** Starts a new survey if no server answered the last time. */
  ensure(): void {
    if (this.#around.nat?.mapping === 'unknown') this.look()
  }

  end(): void {
    if (this.#state.kind === 'opening') this.#around.book.close([this.#state.socket])
    if (this.#state.kind === 'looking') this.#state.hosted.end()
    this.#state = { kind: 'idle' }
  }

  opened(out: Batch, now: number): void {
    if (this.#state.kind === 'opening') this.#begin(this.#state.socket, now)
    else if (this.#state.kind === 'looking') this.#state.hosted.opened(out, now)
    this.tick(out, now)
  }

  receive(arrived: Batch, from: number, to: number, out: Batch, now: number): void {
    if (this.#state.kind === 'looking') this.#state.hosted.receive(arrived, from, to, out, now)
    this.#drain(out, now)
  }

  tick(out: Batch, now: number): void {
    if (this.#state.kind === 'looking') this.#state.hosted.tick(out, now)
    this.#drain(out, now)
  }

  deadline(): number {
    return this.#state.kind === 'looking' ? this.#state.hosted.deadline() : NEVER
  }

  #begin(own: number, now: number): void {
    const { book, random, stun: servers, turn } = this.#around
    const ports = book.portsOf(own)
    this.#state = { kind: 'idle' }
    if (ports === undefined) return
    const localPort = ports.four ?? ports.six ?? 0
    const machine = new NatSurvey({ random: random.fork('nat'), servers, localPort, now })
    this.#state = { kind: 'looking', hosted: new Hosted({ machine, part: this, sockets: [own], book, turn }) }
  }

  #drain(out: Batch, now: number): void {
    while (this.#state.kind === 'looking') {
      const news = this.#state.hosted.poll(out, now)
      if (news === undefined) return
      this.#around.surveyed(news.findings)
      if (news.kind === 'done') this.end()
    }
  }
}
