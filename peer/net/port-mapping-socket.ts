/**
 * The sockets for PCP and NAT-PMP with one gateway. One is connected to the gateway, so the system drops datagrams from
 * other hosts and tells which local address reaches it. The other receives the gateway's announcements.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Network } from '../../shared/core/port-mapping/events.ts'
import { addressOf } from '../../shared/wire/address.ts'
import { type Batch, SLOT_BYTES } from '../../shared/wire/batch.ts'
import { ANNOUNCE_PORT, PORT_MAPPING_PORT } from '../../shared/wire/port-mapping-pcp.ts'

type Receive = (bytes: Uint8Array, words: Uint32Array) => void

export class GatewaySocket {
  readonly network: Network
  readonly #asking: Socket
  readonly #announcements: Socket

  private constructor(network: Network, asking: Socket, receive: Receive) {
    this.network = network
    this.#asking = asking
    this.#announcements = openAnnouncements()
    for (const socket of [asking, this.#announcements]) {
      socket.unref()
      socket.on('message', (bytes, { address, port }) => {
        const from = addressOf(address, port)
        if (from !== undefined && bytes.length <= SLOT_BYTES) receive(bytes, from.words)
      })
    }
  }

  /** Opens the sockets; undefined if the system has no route to the gateway. */
  static async open(gateway: string, receive: Receive): Promise<GatewaySocket | undefined> {
    const socket = createSocket('udp4')
    try {
      await connected(socket, gateway)
    } catch {
      socket.close()
      return undefined
    }
    ignoreErrors(socket)
    const local = addressOf(socket.address().address, 0)!
    return new GatewaySocket({ gateway: addressOf(gateway, PORT_MAPPING_PORT)!, local }, socket, receive)
  }

  send(batch: Batch, i: number): void {
    this.#asking.send(batch.at(i).slice())
  }

  close(): void {
    this.#asking.close()
    this.#announcements.close()
  }
}

async function connected(socket: Socket, gateway: string): Promise<void> {
  const connects = once(socket, 'connect')
  socket.connect(PORT_MAPPING_PORT, gateway)
  await connects
}

/**
 * Opens the socket for announcements. All hosts are members of 224.0.0.1 without joining. If another program uses the
 * port exclusively, no announcements are received.
 */
function openAnnouncements(): Socket {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  ignoreErrors(socket)
  socket.bind(ANNOUNCE_PORT)
  return socket
}

/** Ignores the ICMP error of a gateway that does not listen on the port: it means the same as no answer. */
function ignoreErrors(socket: Socket): void {
  socket.on('error', () => {})
}
