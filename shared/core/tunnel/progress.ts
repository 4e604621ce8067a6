import type { WhyNotDirect } from '../../why-not-direct.ts'
import type { TunnelEffect, TunnelStatus } from './events.ts'
import type { Path } from './path.ts'

/**
 * Reports changes of the path in use to the application, and measures the time to the first packet and first direct
 * path.
 */
export class Progress {
  readonly #since: number
  #shown: { readonly path: Path; readonly why: WhyNotDirect | undefined } | undefined
  #firstByteMs: number | undefined
  #directMs: number | undefined

  /** `since`: when the application asked for the tunnel. */
  constructor(since: number) {
    this.#since = since
  }

  heard(now: number): void {
    this.#firstByteMs ??= now - this.#since
  }

  /** The effect to report, undefined if nothing changed. `whyNotDirect` is used only for a relayed path. */
  show(path: Path | undefined, whyNotDirect: WhyNotDirect, now: number): TunnelEffect | undefined {
    if (path === undefined) return this.#interrupt()
    const why = path.kind === 'direct' ? undefined : whyNotDirect
    if (this.#shown?.path === path && this.#shown.why === why) return undefined
    this.#shown = { path, why }
    if (path.kind === 'direct') this.#directMs ??= now - this.#since
    return {
      kind: 'path',
      path: path.kind,
      remote: { words: path.words },
      socket: path.socket,
      rttMs: path.rttMs,
      ...(why !== undefined && { whyNotDirect: why }),
    }
  }

  status(path: Path | undefined, whyNotDirect: WhyNotDirect): Omit<TunnelStatus, 'effort'> {
    return {
      path: path?.kind ?? 'none',
      rttMs: path?.rttMs ?? 0,
      ...(path?.kind !== 'direct' && { whyNotDirect }),
      ...(this.#firstByteMs !== undefined && { firstByteMs: this.#firstByteMs }),
      ...(this.#directMs !== undefined && { directMs: this.#directMs }),
    }
  }

  #interrupt(): TunnelEffect | undefined {
    if (this.#shown === undefined) return undefined
    this.#shown = undefined
    return { kind: 'interrupted' }
  }
}
