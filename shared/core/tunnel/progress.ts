import type { WhyNotDirect } from '../../why-not-direct.ts'
import type { Choice } from './choice.ts'
import type { TunnelStatus } from './events.ts'
import type { Lifetime } from './lifetime.ts'
import type { Outbox } from './outbox.ts'
import type { Path } from './path.ts'

/**
 * Reports changes of the path in use to the application, and measures the time to the first packet and first direct
 * path.
 */
export class Progress {
  readonly #since: number
  readonly #choice: Pick<Choice, 'active'>
  readonly #lifetime: Lifetime
  readonly #outbox: Outbox
  #shown: { readonly path: Path; readonly why: WhyNotDirect | undefined } | undefined
  #firstByteMs: number | undefined
  #directMs: number | undefined

  /** `since`: when the application asked for the tunnel. */
  constructor(since: number, choice: Pick<Choice, 'active'>, lifetime: Lifetime, outbox: Outbox) {
    this.#since = since
    this.#choice = choice
    this.#lifetime = lifetime
    this.#outbox = outbox
  }

  /** A packet of the other side arrived. */
  heard(now: number): void {
    this.#firstByteMs ??= now - this.#since
    this.#lifetime.heard()
  }

  /** Reports the path in use if it is another one. `whyNotDirect` is told only for a relayed path. */
  show(whyNotDirect: WhyNotDirect, now: number): void {
    const { active } = this.#choice
    if (active === undefined) {
      this.#interrupt(now)
      return
    }
    const why = active.kind === 'direct' ? undefined : whyNotDirect
    if (this.#shown?.path === active && this.#shown.why === why) return
    this.#shown = { path: active, why }
    if (active.kind === 'direct') this.#directMs ??= now - this.#since
    this.#outbox.put({
      kind: 'path',
      path: active.kind,
      remote: { words: active.words },
      socket: active.socket,
      rttMs: active.rttMs,
      ...(why !== undefined && { whyNotDirect: why }),
    })
  }

  status(whyNotDirect: WhyNotDirect): Omit<TunnelStatus, 'effort' | 'security'> {
    const { active } = this.#choice
    return {
      path: active?.kind ?? 'none',
      rttMs: active?.rttMs ?? 0,
      ...(active?.kind !== 'direct' && { whyNotDirect }),
      ...(this.#firstByteMs !== undefined && { firstByteMs: this.#firstByteMs }),
      ...(this.#directMs !== undefined && { directMs: this.#directMs }),
    }
  }

  #interrupt(now: number): void {
    if (this.#shown === undefined) return
    this.#shown = undefined
    this.#outbox.put({ kind: 'interrupted' })
    this.#lifetime.interrupted(now)
  }
}
