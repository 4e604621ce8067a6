/**
 * Measures the CPU time of a sign-in at the node, from the SIGN_IN to the WELCOME, beside the cryptography that it cannot do
 * without, by libsodium alone: four X25519 multiplications and one with the base point, the signature of the ticket, and the
 * conversion of the peer's key.
 */
import { randomBytes } from 'node:crypto'
import sodium from 'sodium-native'
import { CheckpointMachine } from '../../shared/core/checkpoint/checkpoint-machine.ts'
import { SignInAttempt } from '../../shared/core/peer/sign-in.ts'
import { type Identity, identityOf } from '../../shared/crypto/identity.ts'
import type { NodeId } from '../../shared/ids.ts'
import { ADDRESS_WORDS, parseAddress } from '../../shared/wire/address.ts'
import { Batch } from '../../shared/wire/batch.ts'
import { KIND } from '../../shared/wire/numbers.ts'
import { BENCH_TICKET_KEYS, benchTicket } from '../ticket.ts'

export interface SignInResult {
  readonly signIns: number
  readonly welcomed: number
  readonly nodeMicros: number
  readonly cryptoMicros: number
  /** CPU time of a sign-in over that of its cryptography. */
  readonly ratio: number
}

const NODE = parseAddress('192.0.2.1:3480')!
const BATCH = 64
/** Sign-ins before the measurement, in which the code is compiled. */
const WARM_UP = 300

export function benchSignIn(count: number): SignInResult {
  const self = identityOf(randomBytes(32))
  const now = Date.now()
  const machine = new CheckpointMachine({
    node: 'node_bench' as NodeId,
    identity: { publicKey: self.staticPublic, secretKey: self.staticSecret },
    fleetKeys: [randomBytes(32)],
    ticketKeys: BENCH_TICKET_KEYS,
    seed: randomBytes(32),
    now,
    cookiesAbove: Number.MAX_SAFE_INTEGER,
  })
  const said = signIns(self, count + WARM_UP, now)
  handle(machine, said, 0, WARM_UP, now)
  cryptography(WARM_UP)
  const welcomed = { count: 0 }
  const node = cpuMicros(() => {
    welcomed.count = handle(machine, said, WARM_UP, count + WARM_UP, now)
  })
  const crypto = cpuMicros(() => cryptography(count))
  return {
    ...{ signIns: count, welcomed: welcomed.count },
    ...{ nodeMicros: node / count, cryptoMicros: crypto / count, ratio: node / crypto },
  }
}

function signIns(self: Identity, count: number, now: number): Batch {
  const all = new Batch(count)
  const one = new Batch(1)
  const words = parseAddress('10.0.0.0:5000')!.words
  const node = { node: 'node_bench' as NodeId, publicKey: self.staticPublic, addresses: [NODE] }
  for (let i = 0; i < count; i++) {
    const identity = identityOf(randomBytes(32))
    const ticket = Buffer.from(benchTicket(identity, now).ticket)
    const told = { identity, node, address: NODE, index: i + 1, ticket, sentAt: now }
    new SignInAttempt({ ...told, ephemeralSeed: randomBytes(32) }).tick(one, now)
    words[ADDRESS_WORDS - 2] = 0x0a000000 + i
    all.push(one.at(0), words)
    one.clear()
  }
  return all
}

/** Returns the number of WELCOMEs. */
function handle(machine: CheckpointMachine, said: Batch, from: number, to: number, now: number): number {
  const [arrived, out] = [new Batch(BATCH), new Batch(BATCH)]
  let welcomed = 0
  for (let at = from; at < to; at += BATCH) {
    for (let i = at; i < Math.min(to, at + BATCH); i++)
      arrived.push(said.at(i), said.address, i * ADDRESS_WORDS)
    machine.receive(arrived, out, now)
    for (let i = 0; i < out.count; i++) if (out.at(i)[1] === KIND.WELCOME) welcomed++
    arrived.clear()
    out.clear()
  }
  return welcomed
}

/** Not used by the product itself, only by its library for Noise, so its types do not have it. */
const { crypto_scalarmult } = sodium as unknown as {
  crypto_scalarmult(shared: Buffer, scalar: Buffer, point: Buffer): void
}

function cryptography(count: number): void {
  const [point, scalar, shared] = [Buffer.alloc(32), randomBytes(32), Buffer.alloc(32)]
  sodium.crypto_scalarmult_base(point, randomBytes(32))
  const [publicKey, secretKey] = [Buffer.alloc(32), Buffer.alloc(64)]
  sodium.crypto_sign_seed_keypair(publicKey, secretKey, randomBytes(32))
  const [text, signature] = [randomBytes(200), Buffer.alloc(64)]
  sodium.crypto_sign_detached(signature, text, secretKey)
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < 4; j++) crypto_scalarmult(shared, scalar, point)
    sodium.crypto_scalarmult_base(shared, scalar)
    sodium.crypto_sign_verify_detached(signature, text, publicKey)
    sodium.crypto_sign_ed25519_pk_to_curve25519(shared, publicKey)
  }
}

function cpuMicros(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}
