/**
 * A STUN server under requests of any shape.
 *
 * Invariants: a request has at most one answer. The answer exceeds the request by no more than the stated excess. It goes to
 * the source IP of the request or, sealed, to the partner.
 */
import { ANSWER_EXCESS } from '../../../shared/core/stun/answer.ts'
import { FORWARD_ANSWER_BYTES } from '../../../shared/core/stun/forward.ts'
import { type StunPair, StunServer } from '../../../shared/core/stun/stun-server.ts'
import { ADDRESS_WORDS, isIpv4, parseAddress, sameIp } from '../../../shared/wire/address.ts'
import { Batch, SLOT_BYTES } from '../../../shared/wire/batch.ts'
import { encodeBindingRequest } from '../../../shared/wire/stun-client.ts'
import type { Target } from '../fuzzer.ts'

const pair = (ip: string): StunPair => [parseAddress(`${ip}:3478`)!, parseAddress(`${ip}:3479`)!]
const OWN = { ipv4: pair('198.51.100.1'), ipv6: pair('[2001:db8:a::1]') }
const PARTNER = { ipv4: pair('198.51.100.2'), ipv6: pair('[2001:db8:b::1]') }
const SOURCES = ['192.0.2.77:40000', '[2001:db8:c::7]:40000'].map((text) => parseAddress(text)!)
const NOW = 1_800_000_000_000
const TRANSACTION = new Uint8Array(12).fill(9)

const requests = [
  {},
  { fingerprint: false },
  { changeIp: true, changePort: true },
  { responsePort: 5000 },
  { padding: 100 },
]

export const stun: Target = {
  seeds: requests.flatMap((options) =>
    [0, 1, 2, 3].map((how) => Uint8Array.of(how, ...encodeBindingRequest(TRANSACTION, options))),
  ),
  run(input) {
    const source = SOURCES[(input[0] ?? 0) & 1]!
    const socket = ((input[0] ?? 0) >> 1) & 1
    const server = new StunServer({
      own: OWN,
      partner: PARTNER,
      fleetKeys: [new Uint8Array(32).fill(7)],
      seed: new Uint8Array(32),
    })
    const [arrived, out] = [new Batch(1), new Batch(1)]
    arrived.push(input.subarray(1, 1201), source.words, 0, socket)
    server.receive(arrived, out, NOW)
    if (out.count > 1) throw new Error('one request had several answers')
    if (out.count === 0) return
    const isForward = !sameIp(out.address, 0, source.words, 0)
    const excess = out.length[0]! - arrived.length[0]! - (isForward ? SLOT_BYTES - FORWARD_ANSWER_BYTES : 0)
    const bound = isIpv4(source.words) ? ANSWER_EXCESS.ipv4 : ANSWER_EXCESS.ipv6
    if (excess > bound) throw new Error(`an answer exceeds its request by ${excess} bytes`)
    const partner = [PARTNER.ipv4, PARTNER.ipv6].some(([{ words }]) => sameIp(out.address, 0, words, 0))
    if (isForward && !partner) throw new Error('an answer went to another IP')
    if (out.address[ADDRESS_WORDS - 1] === 0) throw new Error('an answer went to port 0')
  },
}
