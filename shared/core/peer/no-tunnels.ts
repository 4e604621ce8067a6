/**
 * The tunnels of a platform that can open none, such as a browser without WebRTC: every call fails for want of a socket.
 * Keep-alives are as rare as a node accepts, because a platform without sockets sends them through the gateway.
 */
import type { Batch } from '../../wire/batch.ts'
import { Queue } from '../session/queue.ts'
import type { TunnelsMachine } from './endpoint.ts'
import type { TunnelsEffect, TunnelsInput } from './events.ts'
import { CARRIED_INTERVAL_MS } from './pace.ts'

export class NoTunnels implements TunnelsMachine {
  readonly #effects = new Queue<TunnelsEffect>()

  has(): boolean {
    return false
  }

  receive(_arrived: Batch, _out: Batch, _now: number): void {}

  handle(input: TunnelsInput, _out: Batch, _now: number): void {
    if (input.kind === 'prepare' || input.kind === 'prepareAnswer')
      this.#effects.put({ kind: 'unprepared', tunnel: input.tunnel })
    else if (input.kind === 'findInterval')
      this.#effects.put({ kind: 'interval', intervalMs: CARRIED_INTERVAL_MS })
  }

  tick(_out: Batch, _now: number): void {}

  deadline(): number {
    return Number.POSITIVE_INFINITY
  }

  poll(): TunnelsEffect | undefined {
    return this.#effects.take()
  }
}
