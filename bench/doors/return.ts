/**
 * Measures how soon peers return after a node has died. All its peers, behind one address of a carrier, sign in at another
 * node, while forged sign-ins flood that node. Sign-ins and machine are real, and time is simulated. Each peer notices the
 * death within one keep-alive interval and 3 s.
 */
import { randomBytes } from 'node:crypto'
import { KEEP_ALIVE_MS } from '../../shared/core/checkpoint/assemble.ts'
import { CheckpointMachine } from '../../shared/core/checkpoint/checkpoint-machine.ts'
import { DEAD_AFTER_MS } from '../../shared/core/peer/pace.ts'
import { SignInAttempt } from '../../shared/core/peer/sign-in.ts'
import { identityOf } from '../../shared/crypto/identity.ts'
import type { NodeId } from '../../shared/ids.ts'
import { parseAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { KIND } from '../../shared/wire/numbers.ts'
import { encodeSignIn } from '../../shared/wire/sign-in.ts'
import { BENCH_TICKET_KEYS, benchTicket } from '../ticket.ts'
import { FLEET_KEY } from './doors.ts'

const START = 1_800_000_000_000
const STEP_MS = 50
const FORGED_A_STEP = 250
const LONGEST_MS = 300_000
const NODE = parseAddress('192.0.2.1:3480')!
const NAT = parseAddress('198.51.100.7:1')!

export interface ReturnResult {
  readonly peers: number
  readonly forgedPerSecond: number
  /** Simulated time until the last peer has signed in; infinite if not all have. */
  readonly allBackSeconds: number
  /** CPU time of the node per simulated second, on average. */
  readonly nodeCpuShare: number
}

interface Returning {
  readonly port: number
  readonly identity: ReturnType<typeof identityOf>
  at: number
  attempt: SignInAttempt | undefined
}

export function benchReturn(count: number): ReturnResult {
  const self = identityOf(new Uint8Array(32).fill(3))
  const machine = new CheckpointMachine({
    node: 'node_bench' as NodeId,
    identity: { publicKey: self.staticPublic, secretKey: self.staticSecret },
    fleetKeys: [FLEET_KEY],
    ticketKeys: BENCH_TICKET_KEYS,
    seed: randomBytes(32),
    now: START,
  })
  const node = { node: 'node_bench' as NodeId, publicKey: self.staticPublic, addresses: [NODE] }
  const peers = new Map<number, Returning>()
  for (let i = 0; i < count; i++) {
    const at = START + DEAD_AFTER_MS + (i * KEEP_ALIVE_MS) / count
    peers.set(1024 + i, { port: 1024 + i, identity: identityOf(randomBytes(32)), at, attempt: undefined })
  }
  let [now, cpu, forged] = [START, 0, 0]
  const [arrived, out] = [new Batch(), new Batch()]
  const deliver = () => {
    const began = process.cpuUsage()
    machine.receive(arrived, out, now)
    while (machine.poll() !== undefined);
    const { user, system } = process.cpuUsage(began)
    cpu += user + system
    arrived.clear()
  }
  for (; peers.size > 0 && now - START < LONGEST_MS; now += STEP_MS) {
    const said = new Batch()
    for (const peer of peers.values()) {
      if (now < peer.at) continue
      peer.attempt ??= attemptOf(peer, node, now)
      if (!peer.attempt.tick(said, now)) peer.attempt = undefined
      while (said.count > 0) move(said, arrived, peer.port)
    }
    for (let i = 0; i < FORGED_A_STEP; i++) {
      const words = NAT.words.slice()
      words[3] = 0x0a000000 + forged++
      arrived.push(encodeSignIn({ index: i, cookie: new Uint8Array(16), noise: randomBytes(400) }), words)
    }
    deliver()
    for (let rounds = 0; rounds < 2 && out.count > 0; rounds++) {
      for (let i = 0; i < out.count; i++) answer(peers, out, i, arrived, now)
      out.clear()
      deliver()
    }
    out.clear()
  }
  const seconds = (now - START) / 1000
  return {
    peers: count,
    forgedPerSecond: (FORGED_A_STEP * 1000) / STEP_MS,
    allBackSeconds: peers.size === 0 ? seconds : Number.POSITIVE_INFINITY,
    nodeCpuShare: cpu / 1e6 / seconds,
  }
}

function attemptOf(
  { identity, port }: Returning,
  node: Parameters<typeof Object.assign>[1],
  now: number,
): SignInAttempt {
  const ticket = Buffer.from(benchTicket(identity, now).ticket)
  return new SignInAttempt({
    identity,
    node,
    address: NODE,
    index: port,
    ticket,
    sentAt: now,
    ephemeralSeed: randomBytes(32),
  })
}

/** Moves the datagrams of a peer, with its port of the carrier's NAT as source. */
function move(from: Batch, to: Batch, port: number): void {
  const words = NAT.words.slice()
  words[4] = port
  for (let i = 0; i < from.count; i++) to.push(from.at(i), words)
  from.clear()
}

/** Handles a datagram from the node to a peer: after a COOKIE it signs in again, and after a WELCOME it is done. */
function answer(peers: Map<number, Returning>, out: Batch, i: number, arrived: Batch, now: number): void {
  if (out.address[i * 5 + 3] !== NAT.words[3]) return
  const peer = peers.get(out.address[i * 5 + 4]!)
  const bytes = out.at(i)
  const said = new Batch(1)
  if (bytes[1] === KIND.COOKIE && peer?.attempt?.takeCookie(bytes, said)) move(said, arrived, peer.port)
  if (bytes[1] === KIND.WELCOME && peer?.attempt?.takeWelcome(bytes, now)?.welcome.status === 'welcome')
    peers.delete(peer.port)
}
