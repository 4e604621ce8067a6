/** A DatagramSocket for one port, with one socket per address family. The sockets use dgram or the addon. */
import { isIP } from 'node:net'
import { StraightwayError } from '../shared/errors.ts'
import { ADDRESS_WORDS, type Address, isIpv4, PORT_WORD } from '../shared/wire/address.ts'
import type { Batch } from '../shared/wire/batch.ts'
import type { Bind, DatagramSocket, Inbox, SocketCounters } from './socket.ts'

/** Size of the socket buffers: a burst of 10,000 small datagrams. The kernel grants at most net.core.rmem_max and wmem_max. */
export const UDP_BUFFER_BYTES = 4 << 20

/** A socket of one address family. */
export interface FamilySocket extends DatagramSocket {
  readonly isIpv4: boolean
}

export type Family = 'udp4' | 'udp6'

/** Opens a socket of one address family. Rejects with `unavailable` if it cannot be bound. */
export type OpenFamily = (family: Family, host: string, port: number, inbox: Inbox) => Promise<FamilySocket>

export const bindWith =
  (open: OpenFamily): Bind =>
  async ({ host, port }, inbox) => {
    const version = isIP(host)
    if (version === 0) throw new StraightwayError('unavailable', `${host} is not a literal address`)
    if (host === '::') return bindBoth(open, port, inbox)
    return open(version === 4 ? 'udp4' : 'udp6', host, port, inbox)
  }

async function bindBoth(open: OpenFamily, port: number, inbox: Inbox): Promise<DatagramSocket> {
  const four = await open('udp4', '0.0.0.0', port, inbox)
  const six = await open('udp6', '::', four.addresses[0]!.words[4]!, inbox).catch(
    (error: StraightwayError) => error,
  )
  if (!(six instanceof StraightwayError)) return new PortSocket(four, six)
  if (!lacksIpv6(six)) {
    await four.close()
    throw six
  }
  return four
}

/** True if binding failed because the machine has no IPv6. Such a machine is served over IPv4 alone. */
function lacksIpv6(failure: Error): boolean {
  const { code } = failure.cause as NodeJS.ErrnoException
  return code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL'
}

/** Binds sockets that have the IPv6 address `six` beside their own one, on the same port. */
export function bindBeside(bind: Bind, six: string): Bind {
  return async (endpoint, inbox) => {
    const four = await bind(endpoint, inbox)
    try {
      return new PortSocket(
        four,
        await bind({ host: six, port: four.addresses[0]!.words[PORT_WORD]! }, inbox),
      )
    } catch (error) {
      await four.close()
      throw error
    }
  }
}

class PortSocket implements DatagramSocket {
  readonly #four: DatagramSocket
  readonly #six: DatagramSocket

  constructor(four: DatagramSocket, six: DatagramSocket) {
    this.#four = four
    this.#six = six
  }

  get addresses(): readonly Address[] {
    return [...this.#four.addresses, ...this.#six.addresses]
  }

  get counters(): SocketCounters {
    const [four, six] = [this.#four.counters, this.#six.counters]
    return {
      received: four.received + six.received,
      sent: four.sent + six.sent,
      dropped: four.dropped + six.dropped,
      errors: four.errors + six.errors,
      overrun: four.overrun + six.overrun,
    }
  }

  /** Sends a batch with one call per run of datagrams of the same address family. */
  send(batch: Batch, from: number, to: number): boolean {
    let held = false
    for (let at = from; at < to; ) {
      const isFour = isIpv4(batch.address, at * ADDRESS_WORDS)
      let end = at + 1
      while (end < to && isIpv4(batch.address, end * ADDRESS_WORDS) === isFour) end++
      if ((isFour ? this.#four : this.#six).send(batch, at, end)) held = true
      at = end
    }
    return held
  }

  async close(): Promise<void> {
    await Promise.all([this.#four.close(), this.#six.close()])
  }
}
