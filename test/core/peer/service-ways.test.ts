import { expect, test } from 'vitest'
import { AskedNodes } from '../../../shared/core/peer/asked-nodes.ts'
import { Experience, ServiceWays } from '../../../shared/core/peer/service-ways.ts'
import { formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { Batch } from '../../../shared/wire/batch.ts'
import { encodeRelay } from '../../../shared/wire/relay.ts'

const at = (text: string) => parseAddress(text)!.words
const [RELAY, HANDSHAKE, ELSEWHERE] = ['192.0.2.1:3482', '192.0.2.1:3481', '192.0.2.9:3482'] as const
const JOIN = Uint8Array.of(0x51, 0x10, 0, 0, 0, 0)
const [JOINED, SEALED] = [Uint8Array.of(0x51, 0x11, 0, 0, 0, 0), Uint8Array.of(0x51, 0x05, 0, 0, 0, 0)]
const DATA = Uint8Array.of(0x60, 1, 2, 3)
const KEEP = encodeRelay({ op: 'keep' })
const KEPT = encodeRelay({ op: 'kept', otherBound: false, draining: false })

/** Sends a datagram at these times, and returns the ports of the last one. */
function sent(ways: ServiceWays, to: string, bytes: Uint8Array, ...times: number[]): readonly number[] {
  let ports: readonly number[] = []
  for (const now of times) {
    const batch = new Batch(1)
    batch.push(bytes, at(to))
    ports = ways.leaving(batch, 0, now).ports
  }
  return ports
}

test('services of one node at one common port are told apart by first bytes', () => {
  const ways = new ServiceWays(new Experience())
  sent(ways, RELAY, KEEP, 0)
  sent(ways, HANDSHAKE, JOIN, 0)
  const named = (bytes: Uint8Array, from = '192.0.2.1:443') => formatAddress(ways.sourceOf(at(from), bytes))
  expect([KEPT, DATA, JOINED, SEALED].map((bytes) => named(bytes))).toEqual([
    RELAY,
    RELAY,
    HANDSHAKE,
    HANDSHAKE,
  ])
  expect(named(DATA, '192.0.2.9:443')).toBe('192.0.2.9:443')
  expect(named(DATA, '192.0.2.1:444')).toBe('192.0.2.1:444')
  expect(named(Uint8Array.of(1, 1, 0, 0), '192.0.2.1:3478')).toBe('192.0.2.1:3478')
})

test('a relay whose own port is silent is used at the port that answers, by data and streams too', () => {
  const ways = new ServiceWays(new Experience())
  expect(sent(ways, RELAY, KEEP, 0, 250, 750)).toEqual([0, 443, 3478])
  expect(ways.heard('udp', at('192.0.2.1:3478'), DATA)).toBe(false)
  expect(ways.heard('udp', at('192.0.2.1:3478'), KEPT)).toBe(true)
  expect(sent(ways, RELAY, DATA, 800)).toEqual([3478])
  expect(ways.to(at(RELAY))).toMatchObject({ kind: 'udp', port: 3478 })
})

test('the next socket begins with what this one has learnt, until the network changes', () => {
  const experience = new Experience()
  const ways = new ServiceWays(experience)
  sent(ways, RELAY, KEEP, 0, 250, 750)
  expect(sent(new ServiceWays(experience), ELSEWHERE, KEEP, 0)).toEqual([0, 443, 3478])
  ways.heard('udp', at('192.0.2.1:443'), KEPT)
  expect(sent(new ServiceWays(experience), ELSEWHERE, KEEP, 0)).toEqual([443])
  experience.forget()
  expect(sent(new ServiceWays(experience), ELSEWHERE, KEEP, 0)).toEqual([0])
})

test('where the own port of CHECKPOINTs is blocked, the other services are asked at all ports, and their own one wins', () => {
  const experience = new Experience()
  experience.doubt()
  const ways = new ServiceWays(experience)
  expect(sent(ways, RELAY, KEEP, 0)).toEqual([0, 443, 3478])
  ways.heard('udp', at('192.0.2.1:443'), KEPT)
  ways.heard('udp', at(RELAY), KEPT)
  expect(sent(ways, RELAY, KEEP, 100)).toEqual([0])
  expect(sent(new ServiceWays(experience), ELSEWHERE, KEEP, 200)).toEqual([0])
})

test('an answer from a common port belongs to the node with that IP that was asked last', () => {
  const asked = new AskedNodes()
  for (const node of ['192.0.2.1:3480', '192.0.2.2:3480', '192.0.2.1:3500']) asked.add(at(node), 0)
  const from = (text: string) => {
    const { words, port } = asked.nodeAt(at(text))
    return [formatAddress(words), port]
  }
  expect(from('192.0.2.2:443')).toEqual(['192.0.2.2:3480', 443])
  expect(from('192.0.2.1:3478')).toEqual(['192.0.2.1:3500', 3478])
  expect(from('192.0.2.1:3480')).toEqual(['192.0.2.1:3480', 0])
  expect(from('192.0.2.3:443')).toEqual(['192.0.2.3:443', 0])
})
