/**
 * The addon of `udp.c`, if this machine can run it. It is shipped as prebuilt files beside this one, one for each
 * platform; a bundle has them beside itself. On any other machine there is none, and nodes use Node's dgram.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'

export interface UdpSocketHandle {
  /** Nothing is received or sent any more, and the port is free. Further calls do nothing. */
  close(): void
  /** Writes the five words of the bound address. Throws once the socket is closed. */
  address(words: Uint32Array): void
  /**
   * Fills slots of a Batch from `first` on, as many as wait, at most 64; returns how many. Fewer than there was room for
   * does not mean that none is left.
   */
  receive(bytes: Uint8Array, length: Uint16Array, address: Uint32Array, first: number): number
  /** Sends slots `from` to `to` - 1 of a Batch. What cannot be sent is counted and lost. */
  send(
    bytes: Uint8Array,
    length: Uint16Array,
    address: Uint32Array,
    ttl: Uint8Array,
    from: number,
    to: number,
  ): void
  /** Writes five numbers: received, sent, dropped, errors, and lost by the kernel because the receive buffer was full. */
  counters(out: Float64Array): void
}

export interface UdpAddon {
  /** `onReadable` is called whenever datagrams wait. Throws an error with the system's `code` where it cannot bind. */
  readonly UdpSocket: new (
    host: string,
    port: number,
    isIpv6: boolean,
    bufferBytes: number,
    onReadable: () => void,
  ) => UdpSocketHandle
}

/** `STRAIGHTWAY_UDP=dgram` in the environment leaves the addon out. */
export const udpAddon: UdpAddon | undefined =
  process.env.STRAIGHTWAY_UDP === 'dgram' ? undefined : load(`${process.platform}-${process.arch}`)

function load(platform: string): UdpAddon | undefined {
  try {
    return createRequire(import.meta.url)(
      join(import.meta.dirname, 'prebuilds', platform, 'udp.node'),
    ) as UdpAddon
  } catch {
    return undefined
  }
}
