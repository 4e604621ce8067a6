import { ADDRESS_WORDS } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { bindDgram } from '../../udp-edge/bind.ts'
import type { Bind, DatagramSocket } from '../../udp-edge/socket.ts'

/**
 * Binds sockets as if the other side were `wayMs` away. What they send leaves twice that later: once for its own way, and
 * once for that of the answer.
 */
export const farFrom =
  (wayMs: number): Bind =>
  async (endpoint, inbox) => {
    const near = await bindDgram(endpoint, inbox)
    return {
      addresses: near.addresses,
      counters: near.counters,
      close: () => near.close(),
      send: (batch, from, to) => later(near, batch, from, to, 2 * wayMs),
    }
  }

function later(near: DatagramSocket, batch: Batch, from: number, to: number, delayMs: number): boolean {
  const copy = new Batch(to - from)
  for (let i = from; i < to; i++) copy.push(batch.at(i).slice(), batch.address, i * ADDRESS_WORDS, 0)
  setTimeout(() => near.send(copy, 0, copy.count), delayMs)
  return false
}
