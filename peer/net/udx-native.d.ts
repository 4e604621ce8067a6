/** The part of udx-native that is used here; the package has no types. */
declare module 'udx-native' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'

  interface UdxSocket extends EventEmitter<{ message: [Buffer, { host: string; port: number }]; close: [] }> {
    bind(port: number, host: string): void
    address(): { host: string; family: number; port: number } | null
    /** Does not copy: the bytes must not change until they are sent. TTL 0 is the system's default. */
    trySend(bytes: Uint8Array, port: number, host: string, ttl?: number): void
    setSendBufferSize(bytes: number): number
    setRecvBufferSize(bytes: number): number
    /** Resolves when every stream on the socket has ended. */
    close(): Promise<void>
  }

  /** A streamx Duplex, which behaves like Node's in the parts used here. It has no backpressure on the receiving side. */
  interface UdxStream extends Duplex {
    readonly id: number
    readonly remoteId: number
    readonly packetsTransmitted: number
    readonly connected: boolean
    readonly rtt: number
    /** Resolves when everything written before has been acknowledged; possibly never if the stream is destroyed. */
    flush(): Promise<boolean>
    connect(socket: UdxSocket, remoteId: number, port: number, host: string): void
    /**
     * Resolves when everything sent to the old address has been acknowledged; null if it already was. Throws during
     * another change.
     */
    changeRemote(socket: UdxSocket, remoteId: number, port: number, host: string): Promise<void> | null
  }

  interface NetworkInterface {
    name: string
    host: string
    family: 4 | 6
    internal: boolean
  }

  interface Watcher extends EventEmitter<{ change: [NetworkInterface[]] }> {
    readonly interfaces: NetworkInterface[]
    destroy(): Promise<void>
  }

  export default class UDX {
    createSocket(options?: { ipv6Only?: boolean }): UdxSocket
    createStream(id: number, options?: { firewall?: (from: UdxSocket) => boolean }): UdxStream
    networkInterfaces(): NetworkInterface[]
    watchNetworkInterfaces(changed: (interfaces: NetworkInterface[]) => void): Watcher
  }
  export type { NetworkInterface, UdxSocket, UdxStream, Watcher }
}
