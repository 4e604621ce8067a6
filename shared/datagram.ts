/** Datagrams and paths of a tunnel as an application sees them, in the forms of `dgram`. */

/** Source address and size of a datagram, as in `dgram`. */
export interface RemoteInfo {
  readonly address: string
  readonly family: 'IPv4' | 'IPv6'
  readonly port: number
  /** Size of the datagram in bytes. */
  readonly size: number
}

/** An address of this side or of the other side, as in `dgram`. */
export type AddressInfo = Omit<RemoteInfo, 'size'>

/** Kind of path that carries the datagrams. */
export type Path = 'direct' | 'relayed'

/** A datagram for `send`, as in `dgram`: text, bytes, or a list of either. */
export type Datagram = string | Uint8Array | readonly (string | Uint8Array)[]
