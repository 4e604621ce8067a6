/** A DatagramSocket on Node's dgram: one port, with a socket for each address family it serves. */
import { isIP } from 'node:net'
import { StraightwayError } from '../shared/errors.ts'
import { ADDRESS_WORDS, type Address, isIpv4 } from '../shared/wire/address.ts'
import type { Batch } from '../shared/wire/batch.ts'
import { FamilySocket } from './family-socket.ts'
import type { DatagramSocket, Endpoint, Inbox, SocketCounters } from './socket.ts'

export async function bindDgram(endpoint: Endpoint, inbox: Inbox): Promise<DatagramSocket> {
  const { host, port } = endpoint
  const version = isIP(host)
  if (version === 0) throw new StraightwayError('unavailable', `${host} is not a literal address`)
  if (host === '::') return bindBoth(port, inbox)
  return new DualSocket([await FamilySocket.open(version === 4 ? 'udp4' : 'udp6', host, port, inbox)])
}

async function bindBoth(port: number, inbox: Inbox): Promise<DatagramSocket> {
  const four = await FamilySocket.open('udp4', '0.0.0.0', port, inbox)
  const six = await FamilySocket.open('udp6', '::', four.address.words[4]!, inbox).catch(
    (error: StraightwayError) => error,
  )
  if (!(six instanceof StraightwayError)) return new DualSocket([four, six])
  if (!lacksIpv6(six)) {
    await four.close()
    throw six
  }
  return new DualSocket([four])
}

/** A machine without IPv6 is served over IPv4 alone. */
function lacksIpv6(failure: Error): boolean {
  const { code } = failure.cause as NodeJS.ErrnoException
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL'
}

class DualSocket implements DatagramSocket {
  readonly #sockets: readonly FamilySocket[]
  readonly #four: FamilySocket | undefined
  readonly #six: FamilySocket | undefined

  constructor(sockets: readonly FamilySocket[]) {
    this.#sockets = sockets
    this.#four = sockets.find((socket) => socket.isIpv4)
    this.#six = sockets.find((socket) => !socket.isIpv4)
  }

  get addresses(): readonly Address[] {
    return this.#sockets.map((socket) => socket.address)
  }

  get counters(): SocketCounters {
    const sum = { received: 0, sent: 0, dropped: 0, errors: 0 }
    for (const { counters } of this.#sockets) {
      sum.received += counters.received
      sum.sent += counters.sent
      sum.dropped += counters.dropped
      sum.errors += counters.errors
    }
    return sum
  }

  send(batch: Batch, from: number, to: number): boolean {
    let held = false
    for (let i = from; i < to; i++) {
      const socket = isIpv4(batch.address, i * ADDRESS_WORDS) ? this.#four : this.#six
      if (socket === undefined) this.#sockets[0]!.counters.dropped++
      else if (socket.send(batch, i)) held = true
    }
    return held
  }

  async close(): Promise<void> {
    await Promise.all(this.#sockets.map((socket) => socket.close()))
  }
}
