/**
 * A stranger that sends datagrams to every port of a system, and knows which of them each answer is for. Each burst fits the
 * kernel's buffers, and the stranger waits until it was read. To find out, it uses another address to ask every port that
 * answers anything a question that it answers.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { System } from '../../local/system.ts'
import { ANSWER_EXCESS } from '../../shared/core/stun/answer.ts'
import { KIND, RELAY_OP, VERSION } from '../../shared/wire/numbers.ts'
import { encodeRelay } from '../../shared/wire/relay.ts'
import { encodeBindingRequest } from '../../shared/wire/stun-client.ts'

const IP = '127.0.0.9'
const OTHER_IP = '127.0.0.10'
const AT_ONCE = 64
const AGAIN_MS = 50

export type Service = 'checkpoint' | 'handshake' | 'stun' | 'relay'

export interface Door {
  readonly service: Service
  /** `ip:port`. */
  readonly address: string
}

/** Every UDP port that the system listens on. */
export function doorsOf({ nodes, relays }: System): Door[] {
  return [...nodes, ...relays].flatMap(({ addresses }) =>
    Object.entries(addresses).flatMap(([service, list]) =>
      list.map((address) => ({ service: service as Service, address })),
    ),
  )
}

/** Datagrams sent and received under one identifier, which both carry. */
interface Talk {
  asked: number
  askedBytes: number
  answeredBytes: number
}

export class Stranger {
  /** Number of answers of each kind. */
  readonly answers = new Map<string, number>()
  readonly #talks = new Map<string, Talk>()
  readonly #socket: Socket
  readonly #asking: Socket

  static async open(): Promise<Stranger> {
    const [socket, asking] = [createSocket('udp4'), createSocket('udp4')]
    socket.bind(0, IP)
    asking.bind(0, OTHER_IP)
    await Promise.all([once(socket, 'listening'), once(asking, 'listening')])
    return new Stranger(socket, asking)
  }

  constructor(socket: Socket, asking: Socket) {
    this.#socket = socket
    this.#asking = asking
    socket.setRecvBufferSize(1 << 20)
    socket.on('message', (bytes) => this.#answered(bytes))
  }

  close(): void {
    this.#socket.close()
    this.#asking.close()
  }

  /** Sends `count` datagrams to the ports in turn. */
  async throw(doors: readonly Door[], count: number, make: (door: Door) => Uint8Array): Promise<void> {
    for (let i = 0; i < count; i++) {
      const door = doors[i % doors.length]!
      this.#send(door, make(door))
      if (i % (AT_ONCE * doors.length) === 0) await this.#caughtUp(doors)
    }
    await this.#caughtUp(doors)
  }

  /** Identifiers under which more bytes came back than the protocol allows. */
  get rewarded(): string[] {
    const isTooMuch = ([key, { asked, askedBytes, answeredBytes }]: [string, Talk]) =>
      answeredBytes > askedBytes + (key.startsWith('stun') ? asked * ANSWER_EXCESS.ipv4 : 0)
    return [...this.#talks].filter(isTooMuch).map(([key, talk]) => `${key} ${JSON.stringify(talk)}`)
  }

  #send({ address }: Door, bytes: Uint8Array): void {
    const talk = this.#talk(bytes)
    talk.asked++
    talk.askedBytes += bytes.length
    sendTo(this.#socket, address, bytes)
  }

  #answered(bytes: Buffer): void {
    this.#talk(bytes).answeredBytes += bytes.length
    const kind = kindOf(bytes)
    this.answers.set(kind, (this.answers.get(kind) ?? 0) + 1)
  }

  #talk(bytes: Uint8Array): Talk {
    const key = keyOf(bytes)
    const talk = this.#talks.get(key) ?? { asked: 0, askedBytes: 0, answeredBytes: 0 }
    this.#talks.set(key, talk)
    return talk
  }

  /** Waits until all ports have read what they received before. */
  async #caughtUp(doors: readonly Door[]): Promise<void> {
    const waiting = new Map(
      doors.flatMap((door) => (door.service === 'handshake' ? [] : [[door.address, door]])),
    )
    const { promise, resolve } = Promise.withResolvers<void>()
    const hear = (_: Buffer, { address, port }: { address: string; port: number }) => {
      waiting.delete(`${address}:${port}`)
      if (waiting.size === 0) resolve()
    }
    const ask = () => {
      for (const { service, address } of waiting.values()) sendTo(this.#asking, address, QUESTIONS[service]!)
    }
    this.#asking.on('message', hear)
    const timer = setInterval(ask, AGAIN_MS)
    ask()
    await promise
    clearInterval(timer)
    this.#asking.off('message', hear)
  }
}

/**
 * Questions that the services answer for strangers: GONE for an unknown keepalive, UNBOUND for an unknown KEEP. A HANDSHAKE
 * answers no stranger.
 */
const QUESTIONS: Readonly<Partial<Record<Service, Uint8Array>>> = {
  checkpoint: Uint8Array.of(VERSION, KIND.KEEP_ALIVE, 255, 255, 255, 255),
  stun: encodeBindingRequest(new Uint8Array(12).fill(1)),
  relay: encodeRelay({ op: 'keep' }),
}

function sendTo(socket: Socket, address: string, bytes: Uint8Array): void {
  const colon = address.lastIndexOf(':')
  socket.send(bytes, Number(address.slice(colon + 1)), address.slice(0, colon))
}

const isStun = (bytes: Uint8Array): boolean => bytes.length >= 20 && bytes[0]! < 4

/** Returns `stun`, or the name of the kind in the second byte. */
export function kindOf(bytes: Uint8Array): string {
  if (isStun(bytes)) return 'stun'
  const name = Object.entries(KIND).find(([, kind]) => kind === bytes[1])?.[0]
  return bytes[0] === VERSION ? (name ?? 'unknown') : 'other'
}

/** Returns the identifier shared by a question and its answer: the transaction, the stamp of a BIND, or the sender's index. */
function keyOf(bytes: Uint8Array): string {
  const part = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).toString('hex')
  if (isStun(bytes)) return `stun ${part(8, 20)}`
  if (bytes[0] !== VERSION || bytes[1] !== KIND.RELAY) return part(2, 6)
  const isStamped = bytes[8] === RELAY_OP.BIND || bytes[8] === RELAY_OP.BOUND
  return isStamped ? `relay ${part(9, 15)}` : 'relay'
}
