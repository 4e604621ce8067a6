/**
 * The streams of two ends of a tunnel on real udx sockets on loopback, with several ways between them:
 *
 * - a straight way
 * - a straight way between a second socket of each end, like IPv6 beside IPv4
 * - a way through a socket in the middle, which forwards every packet or does with it what a test wants
 *
 * Control messages between the ends (STREAM_OPEN and its answers) always arrive.
 */
import dgram from 'node:dgram'
import { once } from 'node:events'
import type { UdxSocket } from 'udx-native'
import { onTestFinished } from 'vitest'
import { udx } from '../../../peer/net/udx.ts'
import { type StreamSignals, Streams } from '../../../peer/stream/streams.ts'
import type { TunnelStream } from '../../../peer/stream/tunnel-stream.ts'

const HOST = '127.0.0.1'

export type Way = 'straight' | 'beside' | 'relayed' | 'nowhere'

export interface End {
  readonly streams: Streams
  /** Streams opened by the other end. */
  readonly offered: TunnelStream[]
  /** Called with each stream that the other end opens, before it is accepted. */
  heard: (stream: TunnelStream) => void
  /** True if it accepts streams. */
  listening: boolean
  /** Number of STREAM_OPENs sent. */
  opens: number
  /** True if it last reported that there are streams. */
  active: boolean
  /** UDP port of its streams. */
  readonly port: number
  go(way: Way): void
}

export interface Crossing {
  readonly a: End
  readonly b: End
  /** Number of packets that went through the middle. */
  relayed: number
  /** Handles a packet in the middle: returns the packet to forward, or undefined to drop it. */
  meddle: (packet: Buffer) => Buffer | undefined
  /** Opens a stream from a to b and returns both ends. */
  open(name?: string): Promise<{ opener: TunnelStream; accepter: TunnelStream }>
}

export async function crossing(): Promise<Crossing> {
  const middle = dgram.createSocket('udp4').bind(0, HOST)
  await once(middle, 'listening')
  const sockets = [bound(), bound()] as const
  const seconds = [bound(), bound()] as const
  const ends: [End, End] = [makeEnd(0), makeEnd(1)]
  const [a, b] = ends
  const world: Crossing = {
    a,
    b,
    relayed: 0,
    meddle: (packet) => packet,
    async open(name = '') {
      const opener = await a.streams.open({ name })
      return { opener, accepter: b.offered.at(-1)! }
    },
  }
  middle.on('message', (packet, source) => {
    const passed = world.meddle(packet)
    if (passed === undefined) return
    world.relayed++
    middle.send(passed, portOf(sockets[source.port === portOf(sockets[0]) ? 1 : 0]), HOST)
  })
  onTestFinished(async () => {
    for (const { streams } of ends) streams.close()
    await Promise.all([...sockets, ...seconds].map((socket) => socket.close()))
    middle.close()
  })
  return world

  function makeEnd(which: 0 | 1): End {
    const other = () => ends[1 - which]!.streams
    const ports = {
      straight: portOf(sockets[1 - which]!),
      beside: portOf(seconds[1 - which]!),
      relayed: middle.address().port,
      nowhere: 9,
    }
    let present: Way = 'relayed'
    const end: End = {
      heard: () => {},
      listening: true,
      opens: 0,
      active: false,
      port: portOf(sockets[which]),
      offered: [],
      streams: new Streams({
        signals: told(other, () => end.opens++),
        route: () => ({
          socket: (present === 'beside' ? seconds : sockets)[which],
          host: HOST,
          port: ports[present],
        }),
        offered: (stream, answer) => {
          if (end.listening) end.offered.push(stream)
          end.heard(stream)
          answer(end.listening ? 'accept' : 'no-listener')
        },
        active: (active) => {
          end.active = active
        },
      }),
      go(way) {
        present = way
        end.streams.moved()
      },
    }
    return end
  }
}

function told(other: () => Streams, opening: () => void): StreamSignals {
  return {
    open(stream, key, name) {
      opening()
      setImmediate(() => other().opened(stream, Buffer.from(key), name))
    },
    accept: (stream, accepter) => void setImmediate(() => other().accepted(stream, accepter)),
    refuse: (stream, reason) => void setImmediate(() => other().refused(stream, reason)),
  }
}

function bound(): UdxSocket {
  const socket = udx.createSocket()
  socket.bind(0, HOST)
  return socket
}

const portOf = (socket: UdxSocket): number => socket.address()!.port
