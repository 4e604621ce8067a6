/** The part of its API that is used here. */
declare module 'hyperdht' {
  import type { Duplex } from 'node:stream'

  export interface Stream extends Duplex {
    once(event: 'open', listener: () => void): this
    once(event: string, listener: (...args: never[]) => void): this
    on(event: 'data', listener: (bytes: Uint8Array) => void): this
    on(event: 'error', listener: (error: Error & { readonly code?: string }) => void): this
    on(event: string, listener: (...args: never[]) => void): this
  }

  export interface KeyPair {
    readonly publicKey: Buffer
    readonly secretKey: Buffer
  }

  export interface Options {
    readonly bootstrap: readonly string[]
    readonly host?: string
    readonly port?: number
    readonly ephemeral?: boolean
    readonly firewalled?: boolean
    readonly randomPunchInterval?: number
  }

  export default class DHT {
    static bootstrapper(port: number, host: string): DHT
    static keyPair(): KeyPair
    constructor(options: Options)
    fullyBootstrapped(): Promise<void>
    createServer(onConnection: (stream: Stream) => void): { listen(keyPair: KeyPair): Promise<void> }
    connect(publicKey: Buffer): Stream
  }
}

/** The part of its API that is used here. */
declare module 'node-datachannel' {
  export interface DataChannel {
    onOpen(listener: () => void): void
    onMessage(listener: (message: string | Buffer) => void): void
    sendMessageBinary(message: Uint8Array): boolean
  }

  export class PeerConnection {
    constructor(name: string, options: { readonly iceServers: readonly string[] })
    onLocalDescription(listener: (sdp: string, type: string) => void): void
    onLocalCandidate(listener: (candidate: string, mid: string) => void): void
    onIceStateChange(listener: (state: string) => void): void
    setRemoteDescription(sdp: string, type: string): void
    addRemoteCandidate(candidate: string, mid: string): void
    createDataChannel(label: string): DataChannel
    onDataChannel(listener: (channel: DataChannel) => void): void
    close(): void
  }
}
