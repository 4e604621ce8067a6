/** The part of udx-native that is used here; the package has no types. */
declare module 'udx-native' {
  import type { EventEmitter } from 'node:events'
  import type { Duplex } from 'node:stream'

  interface UdxSocket extends EventEmitter<{ message: [Buffer, { host: string; port: number }]; close: [] }> {
    bind(port: number, host: string): void
    address(): { host: string; family: number; port: number } | null
    /** Copies nothing: the bytes must not change until they have left. TTL 0 is the system's default. */
    trySend(bytes: Uint8Array, port: number, host: string, ttl?: number): void
    setSendBufferSize(bytes: number): number
    setRecvBufferSize(bytes: number): number
    /** Resolves when every stream on it has ended. */
    close(): Promise<void>
  }

  /** A streamx Duplex, which is like Node's in what is used of it. Nothing holds back what arrives. */
  interface UdxStream extends Duplex {
    readonly id: number
    readonly remoteId: number
    readonly packetsTransmitted: number
    readonly connected: boolean
    readonly rtt: number
    /** Resolves when all that was written before has been acknowledged; maybe never once the stream is destroyed. */
    flush(): Promise<boolean>
    connect(socket: UdxSocket, remoteId: number, port: number, host: string): void
    /** Resolves when all sent to the old place has been acknowledged; null where it was. Throws while a change is under way. */
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
