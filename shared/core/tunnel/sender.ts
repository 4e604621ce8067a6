/**
 * Sends on the path in use. While that is suspect, everything is sent over the spare path too, with the same counters.
 * Datagrams that may be lost when a path falls silent are sent again over another one (`unproven.ts`).
 */
import type { Batch } from '../../wire/batch.ts'
import type { Control } from '../../wire/tunnel.ts'
import type { Choice, Chosen } from './choice.ts'
import { type Packets, sendAgain } from './packets.ts'
import { Unproven } from './unproven.ts'

export class Sender {
  /** Streams send data past this machine: the path is checked as often as if the data were sent here. */
  streaming = false
  readonly #packets: Packets
  readonly #choice: Choice
  readonly #unproven = new Unproven()
  #sentAt = Number.NEGATIVE_INFINITY

  constructor(packets: Packets, choice: Choice) {
    this.#packets = packets
    this.#choice = choice
  }

  /** Time at which data was last sent; Infinity while streams send. */
  get demandAt(): number {
    return this.streaming ? Number.POSITIVE_INFINITY : this.#sentAt
  }

  get hasPath(): boolean {
    return this.#choice.active !== undefined
  }

  /** Sends a datagram. False if there is no path; then nothing was sent. */
  send(payload: Uint8Array, out: Batch, now: number): boolean {
    const { active } = this.#choice
    if (active === undefined) return false
    const slot = this.#packets.sendData(out, active, payload, now)
    this.#sentAt = now
    const spare = this.#choice.suspect(now) ? this.#choice.spare : undefined
    this.#unproven.keep(out, slot, now, spare !== undefined)
    if (spare !== undefined) sendAgain(out, slot, spare)
    return true
  }

  /** Sends a control. False if there is no path. */
  sendControl(control: Control, out: Batch, now: number): boolean {
    const { active } = this.#choice
    if (active === undefined) return false
    this.#packets.sendControl(out, active, control, now)
    const spare = this.#choice.suspect(now) ? this.#choice.spare : undefined
    if (spare !== undefined) this.#packets.sendControl(out, spare, control, now)
    return true
  }

  /**
   * The path in use answered a probe that was sent at `sentAt`. `isGap`: earlier ones were not answered, so the path has
   * recovered from an outage and has lost what was sent in it.
   */
  answered(sentAt: number, isGap: boolean, out: Batch): void {
    const { active } = this.#choice
    if (isGap && active !== undefined) this.#unproven.sendTo(active, out)
    else this.#unproven.proven(sentAt)
  }

  /** Another path is in use now. */
  changed({ path, isUrgent }: Chosen, out: Batch): void {
    if (isUrgent) this.#unproven.sendTo(path, out)
  }

  /** Sends packets that may be lost over the spare path too, once the path in use is silent. */
  rescue(out: Batch, now: number): void {
    const spare = this.#choice.listen(now) ? this.#choice.spare : undefined
    if (spare !== undefined) this.#unproven.spareTo(spare, out)
  }
}
