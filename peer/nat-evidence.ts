/** Examines the NAT in front of this host without a peer, for `doctor`. */
import { randomBytes } from 'node:crypto'
import { ownAddresses } from '../shared/core/peer/candidates.ts'
import type { SocketsEffect, SocketsInput } from '../shared/core/peer/hosted.ts'
import { type NatNews, NatSurvey } from '../shared/core/peer/nat-survey.ts'
import type { NatEvidence } from '../shared/core/peer/prospects.ts'
import type { StunServer } from '../shared/core/tunnel/evidence.ts'
import { OWN_SOCKET } from '../shared/core/tunnel/sockets.ts'
import { Random } from '../shared/crypto/random.ts'
import { now } from '../shared/drive/clock.ts'
import type { Loop } from '../shared/drive/loop.ts'
import { drive } from './net/drive.ts'
import { DualSocket } from './net/dual-socket.ts'
import { FreshSockets } from './net/fresh-sockets.ts'
import { hostIps } from './net/host-addresses.ts'

/** Runs the survey, which takes at most 2 s. */
export async function gatherEvidence(servers: readonly StunServer[]): Promise<NatEvidence> {
  const socket: DualSocket = new DualSocket((bytes, words) => loop.receive(bytes, words, OWN_SOCKET))
  const fresh = new FreshSockets((bytes, words, number) => loop.receive(bytes, words, number))
  const { four, six } = socket.ports
  const random = new Random(randomBytes(32))
  const machine = new NatSurvey({ random, servers, localPort: four ?? six ?? 0, now: now() })
  let loop!: Loop<SocketsInput, NatNews | SocketsEffect>
  try {
    await new Promise<void>((resolve, reject) => {
      loop = drive(machine, {
        send: (batch, i) => {
          const number = batch.socket[i]!
          const from = number === OWN_SOCKET ? socket : fresh.at(number)
          from?.send(batch, i)
        },
        perform: (effect) => {
          if (effect.kind === 'openSockets')
            loop.handle({ kind: 'sockets', ports: fresh.open(effect.count), alone: false })
          else if (effect.kind === 'closeSockets') fresh.closeAllBut(effect.keep)
          else if (effect.kind === 'done') resolve()
        },
        fault: reject,
      })
      loop.tick()
    })
  } finally {
    loop.close()
    fresh.closeAllBut([])
    await socket.close()
  }
  return { ...machine.findings, local: ownAddresses(hostIps(), { four, six }) }
}
