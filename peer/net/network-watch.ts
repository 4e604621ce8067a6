import type { Watcher } from 'udx-native'
import { now } from '../../shared/drive/clock.ts'
import { udx } from './udx.ts'

/** Interfaces change several at a time. This delay merges such a burst into one event. */
const SETTLE_MS = 250
const PULSE_MS = 5000
/** A timer that fires this late means that the machine slept. */
const SLEPT_MS = 15_000

/** Reports when the addresses of this machine changed, once for each burst of changes, and when it woke from sleep. */
export class NetworkWatch {
  readonly #changed: () => void
  readonly #watcher: Watcher
  readonly #pulse: NodeJS.Timeout
  #settling: NodeJS.Timeout | undefined
  #known = fingerprint()
  #pulsedAt = now()

  constructor(changed: () => void) {
    this.#changed = changed
    this.#watcher = udx.watchNetworkInterfaces(() => {
      clearTimeout(this.#settling)
      this.#settling = setTimeout(() => this.#compare(), SETTLE_MS)
    })
    this.#pulse = setInterval(() => this.#onPulse(), PULSE_MS).unref()
  }

  async close(): Promise<void> {
    clearTimeout(this.#settling)
    clearInterval(this.#pulse)
    await this.#watcher.destroy()
  }

  #compare(): void {
    const present = fingerprint()
    if (present === this.#known) return
    this.#known = present
    this.#changed()
  }

  #onPulse(): void {
    const lateMs = now() - this.#pulsedAt - PULSE_MS
    this.#pulsedAt = now()
    if (lateMs > SLEPT_MS) this.#changed()
  }
}

const fingerprint = (): string =>
  udx
    .networkInterfaces()
    .map(({ name, host }) => `${name} ${host}`)
    .sort()
    .join()
