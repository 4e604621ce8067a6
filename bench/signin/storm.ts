/**
 * Measures how soon the peers of a dead node are back when all of them notice at the same moment, as peers do that have data
 * to send. Time is simulated and CPU time is real: the node handles in each step only what a core can in that time, and what
 * exceeds its receive buffer is lost, so peers repeat it.
 */
import { randomBytes } from 'node:crypto'
import { CheckpointMachine } from '../../shared/core/checkpoint/checkpoint-machine.ts'
import type { PeerNode } from '../../shared/core/peer/events.ts'
import { SignInAttempt } from '../../shared/core/peer/sign-in.ts'
import { type Identity, identityOf } from '../../shared/crypto/identity.ts'
import type { NodeId } from '../../shared/ids.ts'
import { PORT_WORD, parseAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { KIND } from '../../shared/wire/numbers.ts'
import { BENCH_TICKET_KEYS, benchTicket } from '../ticket.ts'

export interface StormResult {
  readonly peers: number
  readonly addresses: number
  /** Simulated time until the last peer was welcomed; infinite if not all were. */
  readonly allBackSeconds: number
  /** CPU time of the node for each peer that came back, with all that was refused, repeated or lost. */
  readonly nodeCpuMicros: number
  /** Share of the time in which the node's core was busy. Near 1, the node was the limit. */
  readonly nodeCpu: number
  readonly lost: number
}

const START = 1_800_000_000_000
const STEP_MS = 20
const BATCH = 64
/** Datagrams that a receive buffer of 4 MB holds. */
const BUFFER = 5000
const LONGEST_MS = 300_000
const NODE = parseAddress('192.0.2.1:3480')!
const FIRST_PORT = 1024
const FIRST_IP = 0xc6_33_64_00

interface Returning {
  readonly identity: Identity
  attempt: SignInAttempt | undefined
}

interface Waiting {
  readonly bytes: Uint8Array
  readonly from: number
}

export function benchStorm(peers: number, addresses: number): StormResult {
  const self = identityOf(new Uint8Array(32).fill(3))
  const node: PeerNode = { node: 'node_bench' as NodeId, publicKey: self.staticPublic, addresses: [NODE] }
  const machine = machineOf(self)
  const away = new Map<number, Returning>()
  for (let i = 0; i < peers; i++) away.set(i, { identity: identityOf(randomBytes(32)), attempt: undefined })
  const words = new Uint32Array(5)
  const place = (i: number) => {
    words.set(NODE.words)
    words[3] = FIRST_IP + (i % addresses)
    words[PORT_WORD] = FIRST_PORT + Math.floor(i / addresses)
    return words
  }
  const peerAt = (address: Uint32Array, at: number) =>
    address[at + 3]! - FIRST_IP + (address[at + PORT_WORD]! - FIRST_PORT) * addresses
  let buffer: Waiting[] = []
  let [now, cpu, lost] = [START, 0, 0]
  const say = (from: number, said: Batch) => {
    for (let j = 0; j < said.count; j++) {
      if (buffer.length < BUFFER) buffer.push({ bytes: said.at(j).slice(), from })
      else lost++
    }
    said.clear()
  }
  for (; away.size > 0 && now - START < LONGEST_MS; now += STEP_MS) {
    for (const [i, peer] of away) {
      const said = new Batch(2)
      peer.attempt ??= attemptOf(peer, i, node, now)
      if (!peer.attempt.tick(said, now)) peer.attempt = undefined
      say(i, said)
    }
    const end = (now - START + STEP_MS) * 1000
    while (buffer.length > 0 && cpu < end) {
      const [arrived, out] = [new Batch(BATCH), new Batch(BATCH)]
      const some = buffer.slice(0, BATCH)
      buffer = buffer.slice(BATCH)
      for (const { bytes, from } of some) arrived.push(bytes, place(from))
      const began = process.cpuUsage()
      machine.receive(arrived, out, now)
      while (machine.poll() !== undefined);
      const { user, system } = process.cpuUsage(began)
      cpu += user + system
      for (let j = 0; j < out.count; j++) answer(peerAt(out.address, j * 5), out.at(j))
    }
  }
  const seconds = (now - START) / 1000
  return {
    ...{ peers, addresses, lost },
    allBackSeconds: away.size === 0 ? seconds : Number.POSITIVE_INFINITY,
    nodeCpuMicros: cpu / (peers - away.size),
    nodeCpu: cpu / 1e6 / seconds,
  }

  /** After a COOKIE a peer signs in again, and after a WELCOME it is back. */
  function answer(i: number, bytes: Uint8Array): void {
    const peer = away.get(i)
    const said = new Batch(1)
    if (bytes[1] === KIND.COOKIE && peer?.attempt?.takeCookie(bytes, said)) say(i, said)
    if (bytes[1] === KIND.WELCOME && peer?.attempt?.takeWelcome(bytes, now)?.welcome.status === 'welcome')
      away.delete(i)
  }
}

function machineOf({ staticPublic, staticSecret }: Identity): CheckpointMachine {
  return new CheckpointMachine({
    node: 'node_bench' as NodeId,
    identity: { publicKey: staticPublic, secretKey: staticSecret },
    fleetKeys: [randomBytes(32)],
    ticketKeys: BENCH_TICKET_KEYS,
    seed: randomBytes(32),
    now: START,
  })
}

function attemptOf({ identity }: Returning, index: number, node: PeerNode, now: number): SignInAttempt {
  return new SignInAttempt({
    ...{ identity, node, address: NODE, index: index + 1, sentAt: now },
    ticket: Buffer.from(benchTicket(identity, now).ticket),
    ephemeralSeed: randomBytes(32),
  })
}
