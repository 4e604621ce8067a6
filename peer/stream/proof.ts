/**
 * Whether what was sent on a carrier has arrived, in the sealed word of the other side. What udx says of it can be forged:
 * a packet of a stranger that acknowledges what was lost on the way leaves a gap that udx never fills.
 *
 *   sent      something was sent: ASK follows within ASK_MS
 *   asked     HEARD is awaited; when udx says that the ASK was acknowledged, within ANSWER_MS of the last frame that came
 *   last      both directions have finished: LAST is asked immediately. Over when it was answered, and the other side's was
 */
import { performance } from 'node:perf_hooks'
import { frame, STREAM_FRAME } from './frames.ts'

const ASK_MS = 1000
/** Longer than a frame waits behind others on a path that udx sees alive. */
const ANSWER_MS = 3000

export interface ProofOptions {
  /** False if the carrier is full; `drained` is called when it takes more. */
  readonly send: (plaintext: Uint8Array) => boolean
  /** Resolves when udx says that everything sent before was acknowledged. */
  readonly flushed: () => Promise<unknown>
  /** What udx says is not true. */
  readonly disproved: () => void
  /** Nothing more has to be proven, here and there. */
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
  /** What the other side asked last while the carrier was full. Earlier questions need no answer. */
  #owed: number | undefined

  constructor(options: ProofOptions) {
    this.#options = options
  }

  /** Both sides know that the other has everything. */
  get isOver(): boolean {
    return this.#ending === 'heard' && this.#isLastThere
  }

  /** A frame was sent that the other side has to get. */
  sent(): void {
    if (this.#state !== 'proven' || this.#closed) return
    this.#state = 'sent'
    this.#timer = setTimeout(() => this.#ask(STREAM_FRAME.ASK), ASK_MS)
  }

  /** Nothing more is sent but this. */
  end(): void {
    if (this.#ending !== 'no' || this.#closed) return
    this.#ending = 'wanted'
    this.#ask(STREAM_FRAME.LAST)
  }

  /** False if the frame is none of a proof. */
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

  /** The carrier takes more. */
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
