/**
 * Proves by sealed frames of the other side that sent frames have arrived. udx's own acknowledgements can be forged: a
 * packet that acknowledges lost data leaves a gap that udx never fills.
 *
 *   sent      something was sent: ASK follows within ASK_MS
 *   asked     HEARD is awaited; when udx says that the ASK was acknowledged, within ANSWER_MS of the last frame that came
 *   last      both directions have finished: LAST is asked immediately. Over when it was answered, and the other side's was
 */
import { performance } from 'node:perf_hooks'
import { frame, STREAM_FRAME } from './frames.ts'

const ASK_MS = 1000
/** Longer than a frame waits behind others on a path that udx considers alive. */
const ANSWER_MS = 3000

export interface ProofOptions {
  /** Sends a frame. Returns false if the carrier is full; `drained` is called when it accepts more. */
  readonly send: (plaintext: Uint8Array) => boolean
  /** Resolves when udx reports everything sent before as acknowledged. */
  readonly flushed: () => Promise<unknown>
  /** Reports that udx acknowledged data that did not arrive. */
  readonly disproved: () => void
  /** Reports that both sides have proven everything. */
  readonly over: () => void
}

export class Proof {
  readonly #options: ProofOptions
  #number = 0
  #state: 'proven' | 'sent' | 'asked' = 'proven'
  #ending: 'no' | 'wanted' | 'heard' = 'no'
  #isLastThere = false
  #timer: NodeJS.Timeout | undefined
  #heardAt = 0
  #closed = false
  #isFull = false
  /** Number of the last ASK that came while the carrier was full. Earlier ones need no answer. */
  #owed: number | undefined

  constructor(options: ProofOptions) {
    this.#options = options
  }

  /** True when each side knows that the other has everything. */
  get isOver(): boolean {
    return this.#ending === 'heard' && this.#isLastThere
  }

  /** Reports that a frame was sent which the other side must get. */
  sent(): void {
    if (this.#state !== 'proven' || this.#closed) return
    this.#state = 'sent'
    this.#timer = setTimeout(() => this.#ask(STREAM_FRAME.ASK), ASK_MS)
  }

  /** Sends LAST. Only frames of the proof may follow it. */
  end(): void {
    if (this.#ending !== 'no' || this.#closed) return
    this.#ending = 'wanted'
    this.#ask(STREAM_FRAME.LAST)
  }

  /** Handles a frame. Returns false if it is not ASK, HEARD or LAST. */
  take(kind: number, number: number): boolean {
    this.#heardAt = performance.now()
    switch (kind) {
      case STREAM_FRAME.ASK:
        this.#answer(number)
        return true
      case STREAM_FRAME.LAST:
        this.#answer(number)
        this.#isLastThere = true
        this.#finish()
        return true
      case STREAM_FRAME.HEARD:
        if (number === this.#number) this.#heard()
        return true
      default:
        return false
    }
  }

  /** Reports that the carrier accepts more. */
  drained(): void {
    this.#isFull = false
    const owed = this.#owed
    this.#owed = undefined
    if (owed !== undefined && !this.#closed) this.#answer(owed)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #answer(number: number): void {
    if (this.#isFull) this.#owed = number
    else this.#isFull = !this.#options.send(frame(STREAM_FRAME.HEARD, number))
  }

  #ask(kind: number): void {
    clearTimeout(this.#timer)
    const number = ++this.#number
    this.#state = 'asked'
    this.#options.send(frame(kind, number))
    void this.#options.flushed().then(() => {
      if (this.#state === 'asked' && this.#number === number) this.#await(performance.now())
    })
  }

  #await(from: number): void {
    if (this.#closed) return
    const leftMs = Math.max(from, this.#heardAt) + ANSWER_MS - performance.now()
    if (leftMs <= 0) this.#options.disproved()
    else this.#timer = setTimeout(() => this.#await(from), leftMs)
  }

  #heard(): void {
    clearTimeout(this.#timer)
    this.#state = 'proven'
    if (this.#ending === 'wanted') this.#ending = 'heard'
    this.#finish()
  }

  #finish(): void {
    if (this.isOver) this.#options.over()
  }
}
