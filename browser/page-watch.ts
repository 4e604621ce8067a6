/**
 * Notices when a page may have missed something: its timers stopped, or its network changed.
 *
 *   online, offline              the browser's own events
 *   resume, pageshow             the page was frozen, or comes from the back/forward cache
 *   visible again                after HIDDEN_MS, during which the browser may have slowed its timers down
 *   a gap between two looks      the machine slept while the page was visible
 *
 * In a worker, which has no document, only the first line and the gap apply.
 */
const HIDDEN_MS = 30_000
const LOOK_MS = 5_000
const GAP_MS = 30_000

export interface PageWatchOptions {
  /** The page may have missed something, or its network is another one. */
  readonly woke: () => void
  /** The page ends and will not come back. */
  readonly ends: () => void
}

export class PageWatch {
  readonly #options: PageWatchOptions
  readonly #stop = new AbortController()
  readonly #timer: ReturnType<typeof setInterval>
  #hiddenAt: number | undefined
  #lookedAt = Date.now()

  constructor(options: PageWatchOptions) {
    this.#options = options
    const page = globalThis.document as Document | undefined
    this.#on(globalThis, 'online', options.woke)
    this.#on(globalThis, 'offline', options.woke)
    this.#on(globalThis, 'pageshow', (event) => (event as PageTransitionEvent).persisted && options.woke())
    this.#on(globalThis, 'pagehide', (event) => !(event as PageTransitionEvent).persisted && options.ends())
    if (page !== undefined) {
      this.#on(page, 'resume', options.woke)
      this.#on(page, 'visibilitychange', () => this.#visibility(page))
    }
    this.#timer = setInterval(() => this.#look(page), LOOK_MS)
  }

  close(): void {
    this.#stop.abort()
    clearInterval(this.#timer)
  }

  #on(target: EventTarget, event: string, listener: (event: Event) => void): void {
    target.addEventListener(event, listener, { signal: this.#stop.signal })
  }

  #visibility(page: Document): void {
    const now = Date.now()
    if (page.visibilityState === 'hidden') this.#hiddenAt ??= now
    else {
      const isLong = this.#hiddenAt !== undefined && now - this.#hiddenAt >= HIDDEN_MS
      this.#hiddenAt = undefined
      this.#lookedAt = now
      if (isLong) this.#options.woke()
    }
  }

  #look(page: Document | undefined): void {
    const now = Date.now()
    const isGap = now - this.#lookedAt >= GAP_MS
    this.#lookedAt = now
    if (isGap && page?.visibilityState !== 'hidden') this.#options.woke()
  }
}
