/**
 * A peer's sockets in a network in which UDP comes and goes. As in the SDK, the session's way decides (shared/core/peer/way.ts),
 * and the sockets of tunnels follow it: TCP counts from when the way is `carried` until UDP works again.
 */
import { Way } from '../../shared/core/peer/way.ts'
import { KIND } from '../../shared/wire/numbers.ts'
import { SHORT_BYTES } from '../../shared/wire/session.ts'
import type { Host, Means, Socket, Ways } from './host.ts'
import type { Endpoint } from './packet.ts'

export interface ChangingWaysSetting {
  readonly host: Host
  /** The socket of the session. */
  readonly home: () => Socket | undefined
  /** Called when UDP turns out to be dropped, or to work again. */
  readonly changed: (isBlocked: boolean) => void
}

export class ChangingWays implements Ways {
  readonly #setting: ChangingWaysSetting
  readonly #way = new Way()
  #isBlocked = false
  /** The last packet of the session as a keep-alive, and its node. */
  #keepAlive: { readonly bytes: Uint8Array; readonly to: Endpoint } | undefined
  #probeAt = Number.POSITIVE_INFINITY

  constructor(setting: ChangingWaysSetting) {
    this.#setting = setting
  }

  leaving(socket: Socket, bytes: Uint8Array, to: Endpoint): readonly Means[] {
    if (socket !== this.#setting.home()) return [this.#isBlocked ? 'carrier' : 'udp']
    if (this.#isProbe) return ['udp']
    if (bytes[1] === KIND.SEALED || bytes[1] === KIND.KEEP_ALIVE) {
      const keepAlive = bytes.slice(0, SHORT_BYTES).with(1, KIND.KEEP_ALIVE)
      this.#keepAlive = { bytes: keepAlive, to }
    }
    const now = this.#setting.host.clock
    this.#change(() => this.#way.sent(now))
    return [
      ...(this.#way.kind === 'udp' ? [] : (['carrier'] as const)),
      ...(this.#way.usesUdp(now) ? (['udp'] as const) : []),
    ]
  }

  arrived(socket: Socket, by: Means): void {
    if (socket !== this.#setting.home()) return
    this.#change(() => this.#way.heard(by === 'udp' ? 'udp' : 'gateway', this.#setting.host.clock))
  }

  #isProbe = false

  #change(step: () => void): void {
    step()
    this.#awaitProbe()
    const isBlocked = this.#way.kind === 'carried'
    if (isBlocked === this.#isBlocked) return
    this.#isBlocked = isBlocked
    this.#setting.changed(isBlocked)
  }

  /** Sends the keep-alives over UDP that show whether it works again. */
  #awaitProbe(): void {
    const { probeAt } = this.#way
    if (probeAt === this.#probeAt || probeAt === Number.POSITIVE_INFINITY) return
    this.#probeAt = probeAt
    const { host } = this.#setting
    host.world.after(Math.max(probeAt - host.clock, 0), () => {
      if (this.#way.probeAt !== probeAt) return
      this.#way.probed(host.clock)
      this.#probe()
      this.#awaitProbe()
    })
  }

  #probe(): void {
    const home = this.#setting.home()
    if (home === undefined || this.#keepAlive === undefined) return
    this.#isProbe = true
    this.#setting.host.send(home, this.#keepAlive.to, this.#keepAlive.bytes, 0)
    this.#isProbe = false
  }
}
