/** Measures the amplification towards a victim: a source address to which a session or tunnel seems to move, silent itself. */

import { AMPLIFICATION } from '../../shared/core/address-credit.ts'
import { Session } from '../../shared/core/session/session.ts'
import { Packets } from '../../shared/core/tunnel/packets.ts'
import { TunnelMachine } from '../../shared/core/tunnel/tunnel-machine.ts'
import { Channel } from '../../shared/crypto/channel.ts'
import { Random } from '../../shared/crypto/random.ts'
import { parseAddress, sameAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { FRAME } from '../../shared/wire/numbers.ts'
import { MIN_PROBE_BODY } from '../../shared/wire/tunnel.ts'
import type { DoorResult } from './doors.ts'

const [UP, DOWN] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
const [NODE, PEER, VICTIM] = ['192.0.2.1:4000', '198.51.100.7:5000', '203.0.113.9:53'].map(
  (text) => parseAddress(text)!,
)
const ROUNDS = 200

export const benchMoves = (): readonly DoorResult[] => [movedSession(), movedTunnel()]

/** A node has frames for a peer that keeps sending PINGs with a victim's source address. */
function movedSession(): DoorResult {
  const start = 1_800_000_000_000
  const random = new Random(new Uint8Array(32).fill(5))
  const peer = new Session({
    index: 1,
    remoteIndex: 2,
    channel: new Channel({ send: UP, receive: DOWN }),
    address: NODE!.words.slice(),
    now: start,
  })
  const node = new Session({
    index: 2,
    remoteIndex: 1,
    channel: new Channel({ send: DOWN, receive: UP }),
    address: PEER!.words.slice(),
    challenges: random,
    now: start,
  })
  for (let i = 0; i < 50; i++) node.send(FRAME.MESSAGE, new Uint8Array(1000))
  return measured(
    'session',
    'SEALED in the name of a victim',
    (now, out) => {
      const line = new Batch(1)
      peer.ping(1)
      peer.flush(line, now)
      line.address.set(VICTIM!.words)
      node.receive(line, 0, now, { frame() {} })
      node.flush(out, now)
      return line.length[0]!
    },
    start,
  )
}

/** An application sends continuously, while the other side sends PROBEs with a victim's source address. */
function movedTunnel(): DoorResult {
  const terms = { clear: false, paths: 'auto' } as const
  const direction = { handshake: [], key: UP, grant: new Uint8Array(0) }
  const keys = { send: DOWN, receive: UP }
  const machine = new TunnelMachine({
    seed: new Uint8Array(32).fill(3),
    keys,
    direction,
    terms,
    stun: [],
    candidates: [],
    localPort: 5000,
    now: 0,
  })
  const packets = new Packets({ send: UP, receive: DOWN }, false)
  return measured(
    'tunnel',
    'PROBE in the name of a victim',
    (now, out) => {
      const line = new Batch(1)
      const probe = { kind: 'probe', id: BigInt(now), here: true, bodyBytes: MIN_PROBE_BODY } as const
      packets.sendControl(line, { words: VICTIM!.words, socket: 0 }, probe, now)
      machine.receive(line, out, now)
      machine.handle({ kind: 'send', bytes: new Uint8Array(1000) }, out, now)
      machine.tick(out, now)
      return line.length[0]!
    },
    0,
  )
}

function measured(
  door: string,
  datagram: string,
  round: (now: number, out: Batch) => number,
  start: number,
): DoorResult {
  const out = new Batch()
  let [bytesIn, bytesOut] = [0, 0]
  const cpu = process.cpuUsage()
  for (let i = 0; i < ROUNDS; i++) {
    out.clear()
    bytesIn += round(start + i * 100, out)
    for (let n = 0; n < out.count; n++)
      if (sameAddress(out.address, n * 5, VICTIM!.words, 0)) bytesOut += out.length[n]!
  }
  const { user, system } = process.cpuUsage(cpu)
  return {
    door,
    datagram,
    cpuMicroseconds: (user + system) / ROUNDS,
    ratio: bytesOut / bytesIn,
    bound: AMPLIFICATION,
  }
}
