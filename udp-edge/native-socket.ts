/** A socket of one address family on the native addon, with one call and one system call per batch of datagrams. */
import { StraightwayError } from '../shared/errors.ts'
import { ADDRESS_WORDS, type Address, isIpv4 } from '../shared/wire/address.ts'
import type { Batch } from '../shared/wire/batch.ts'
import type { UdpAddon, UdpSocketHandle } from './native/addon.ts'
import { type FamilySocket, type OpenFamily, UDP_BUFFER_BYTES } from './port-socket.ts'
import type { Inbox, SocketCounters } from './socket.ts'

/** Most datagrams of one system call: the limit of the addon, and the most that a machine gets at a time. */
const READ = 64
/** Most reads per wake-up, so that a flood on one socket leaves time for the others. */
const MAX_READS = 4

export const openNative =
  ({ UdpSocket }: UdpAddon): OpenFamily =>
  async (family, host, port, inbox) => {
    let socket: NativeSocket
    const onReadable = () => socket.read()
    try {
      const handle = new UdpSocket(host, port, family === 'udp6', UDP_BUFFER_BYTES, onReadable)
      socket = new NativeSocket(handle, inbox)
      return socket
    } catch (cause) {
      const why = (cause as Error).message
      throw new StraightwayError('unavailable', `cannot bind ${host} port ${port}: ${why}`, { cause })
    }
  }

class NativeSocket implements FamilySocket {
  readonly addresses: readonly [Address]
  readonly isIpv4: boolean
  readonly #handle: UdpSocketHandle
  readonly #inbox: Inbox
  readonly #counts = new Float64Array(5)

  constructor(handle: UdpSocketHandle, inbox: Inbox) {
    const words = new Uint32Array(ADDRESS_WORDS)
    handle.address(words)
    this.#handle = handle
    this.#inbox = inbox
    this.addresses = [{ words }]
    this.isIpv4 = isIpv4(words)
  }

  get counters(): SocketCounters {
    this.#handle.counters(this.#counts)
    const [received, sent, dropped, errors, overrun] = this.#counts as unknown as [
      number,
      number,
      number,
      number,
      number,
    ]
    return { received, sent, dropped, errors, overrun }
  }

  read(): void {
    const { batch, socket } = this.#inbox
    for (let reads = 0; reads < MAX_READS; reads++) {
      batch.reserve(READ)
      const first = batch.count
      const arrived = this.#handle.receive(batch.bytes, batch.length, batch.address, first)
      if (arrived === 0) return
      batch.socket.fill(socket, first, first + arrived)
      batch.ttl.fill(0, first, first + arrived)
      batch.count = first + arrived
      this.#inbox.arrived()
      if (arrived < READ) return
    }
  }

  send(batch: Batch, from: number, to: number): boolean {
    this.#handle.send(batch.bytes, batch.length, batch.address, batch.ttl, from, to)
    return false
  }

  async close(): Promise<void> {
    this.#handle.close()
  }
}
