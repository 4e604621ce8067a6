/** Answers offers for `up`: which peers it accepts, and which services it offers them. */
import type { Path } from '../peer/index.ts'
import { INTENT, isServed, type Serving, serve } from '../serve/serve.ts'
import type { Tunnel } from '../serve/tunnel.ts'
import type { PeerId } from '../shared/ids.ts'
import { failureOf } from './failures.ts'
import type { Names } from './names.ts'
import type { Asked } from './seat.ts'
import type { Tell, UpFlags } from './up.ts'
import { Whom } from './whom.ts'

interface Parts {
  readonly flags: UpFlags
  readonly names: Names
  readonly tell: Tell
  readonly accept: Whom
  readonly ping: Whom
}

interface Served {
  readonly peer: PeerId
  readonly intent: string
  readonly socket: Tunnel
}

export class Answers {
  readonly #parts: Parts
  readonly #served = new Set<Served>()

  private constructor(parts: Parts) {
    this.#parts = parts
  }

  static async of(flags: UpFlags, names: Names, tell: Tell): Promise<Answers> {
    const accept = await Whom.of(flags.accept, names)
    const ping = flags.ping === undefined ? accept : await Whom.of(flags.ping, names)
    return new Answers({ flags, names, tell, accept, ping })
  }

  /** Notes for the user, shown at the start. */
  get notes(): string[] {
    const { accept, ping } = this.#parts
    if (accept.rule !== 'network' || ping.rule !== 'network') return []
    return [
      'Everybody of your networks may ping this peer, which tells them its address: --ping none stops that.',
    ]
  }

  get tunnels(): { readonly peer: PeerId; readonly intent: string; readonly path: Path }[] {
    return [...this.#served].map(({ peer, intent, socket }) => ({ peer, intent, path: socket.path }))
  }

  async decide(offer: Asked): Promise<void> {
    const { names, tell } = this.#parts
    const { from, intent } = offer
    const reason = this.#refusalOf(offer)
    if (reason !== undefined) offer.refuse(reason)
    const who = await names.label(from)
    const name = await names.nameOf(from)
    const facts = { from, ...(name && { name }), intent }
    if (reason !== undefined) {
      tell('offer', { ...facts, refused: reason }, `${who} offered ${intent}: refused, ${reason}`)
      return
    }
    tell('offer', { ...facts, accepted: true }, `${who} offered ${intent}: accepted`)
    await this.#serve(offer, who).catch((error) => this.#fault(error, who))
  }

  async #serve(offer: Asked, who: string): Promise<void> {
    const { tell } = this.#parts
    const { from, intent } = offer
    const socket = await offer.accept()
    const served = { peer: from, intent, socket }
    this.#served.add(served)
    serve(socket, intent, {
      ...this.#serving,
      onFile: ({ name, size, sha256, path }) =>
        tell('file', { from, name, size, sha256, path }, `${who} sent ${path} (${size} bytes)`),
      onFault: (error) => this.#fault(error, who),
    })
    socket.on('path', (path, whyNotDirect) =>
      tell('path', { peer: from, path, whyNotDirect }, `${who} ${path}`),
    )
    socket.on('close', (end) => {
      this.#served.delete(served)
      tell('closed', { peer: from, end }, `${who} closed`)
    })
  }

  #fault(error: unknown, who: string): void {
    const { error: code, detail } = failureOf(error)
    this.#parts.tell('error', { code, detail }, `${who}: ${detail}`)
  }

  /** Reason to refuse an offer; undefined if it is accepted. Only peers of our networks can send offers. */
  #refusalOf(offer: Asked): string | undefined {
    const { accept, ping } = this.#parts
    const whom = offer.intent === INTENT.ping ? ping : accept
    if (!whom.has(offer)) return 'not-allowed'
    return isServed(offer.intent, this.#serving) ? undefined : 'not-served'
  }

  get #serving(): Serving {
    const { expose, receive, maxSize } = this.#parts.flags
    return {
      ...(expose && { expose }),
      ...(receive !== undefined && {
        receive: { directory: receive, ...(maxSize !== undefined && { maxBytes: maxSize }) },
      }),
    }
  }
}
