/**
 * One leg of a relayed tunnel as a process of its own. It prints `{bound: true}` when the relay has proven its address, then
 * one line for each line of JSON that it reads:
 *
 *   {"exchange": [sizes]}   sends a datagram of each size and waits for the other side's echo: `{equal}`, how many came back as sent
 *   {"flood": n}            sends n datagrams of 1,200 bytes without waiting: `{flooded}`
 *   {"roam": true}          continues from another port: `{roamed}` when that is proven
 *
 * It echoes every datagram that is not an answer. Arguments: the relay's address, the sealed grant and its key in
 * hexadecimal.
 */
import { createHash } from 'node:crypto'
import dgram from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'
import { createInterface } from 'node:readline'
import { RelayLeg } from '../../../shared/core/relay/leg.ts'
import { formatIp, PORT_WORD, parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { decodeRelay } from '../../../shared/wire/relay.ts'

const ECHO_WITHIN_MS = 2000
const [, , relayText, grant, key] = process.argv
const relay = parseAddress(relayText!)!
const [ip, port] = [formatIp(relay.words), relay.words[PORT_WORD]!]
const bytesOf = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const leg = new RelayLeg({ relay, grant: bytesOf(grant!), key: bytesOf(key!), socket: 0 })
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)

let socket = await open()
let proven: (() => void) | undefined
/** The datagram that this side expects to be echoed. */
let expected: { readonly bytes: Buffer; readonly came: (equal: boolean) => void } | undefined

async function open(): Promise<dgram.Socket> {
  const opened = dgram.createSocket(isIPv4(ip) ? 'udp4' : 'udp6')
  opened.on('message', take).connect(port, ip)
  await once(opened, 'connect')
  return opened
}

function run(call: (out: Batch, now: number) => void): void {
  const out = new Batch(1)
  call(out, Date.now())
  for (let i = 0; i < out.count; i++) socket.send(out.at(i))
}

function take(bytes: Buffer): void {
  const arrived = new Batch(1)
  arrived.push(bytes, relay.words)
  let kind: 'control' | 'data' = 'control'
  run((out, now) => {
    kind = leg.take(arrived, 0, out, now)
  })
  if (decodeRelay(bytes)?.op === 'kept') proven?.()
  if (kind === 'control') return
  if (expected === undefined) socket.send(bytes)
  else expected.came(bytes.equals(expected.bytes))
}

/** Pseudo-random bytes, the same for the same number. */
function datagram(size: number, number: number): Buffer {
  return createHash('shake256', { outputLength: Math.max(size, 1) })
    .update(String(number))
    .digest()
    .subarray(0, size)
}

async function bind(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  proven = resolve
  run((out, now) => leg.start(out, now))
  const again = setInterval(() => run((out, now) => leg.tick(out, now)), 100)
  await promise
  clearInterval(again)
}

async function exchange(sizes: readonly number[]): Promise<number> {
  let equal = 0
  for (const [i, size] of sizes.entries()) {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const late = setTimeout(resolve, ECHO_WITHIN_MS, false)
    expected = { bytes: datagram(size, i), came: resolve }
    socket.send(expected.bytes)
    if (await promise) equal++
    clearTimeout(late)
  }
  expected = undefined
  return equal
}

const verbs: Record<string, (argument: never) => Promise<unknown>> = {
  exchange: async (sizes: readonly number[]) => ({ equal: await exchange(sizes) }),
  flood: async (count: number) => {
    for (let i = 0; i < count; i++) await new Promise((sent) => socket.send(datagram(1200, i), sent))
    return { flooded: count }
  },
  roam: async () => {
    socket.close()
    socket = await open()
    await bind()
    return { roamed: true }
  },
}

await bind()
say({ bound: true })
for await (const line of createInterface({ input: process.stdin })) {
  for (const [verb, argument] of Object.entries(JSON.parse(line))) say(await verbs[verb]!(argument as never))
}
process.exit()
