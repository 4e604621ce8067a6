import { afterEach, describe, expect, test } from 'vitest'
import { encodeRelay } from '../../shared/wire/relay.ts'
import { type Relay, startRelay } from '../../udp-edge/relay.ts'
import { FLEET_KEY, grants, overUdp, Peer, random, type Way } from './relay-leg-under-test.ts'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

describe('a relay on real sockets', () => {
  test('carries packets of every size both ways between two peers', async () => {
    const relay = await start()
    const [a, b] = await boundPair(relay)
    for (let size = 0; size <= 1200; size += 100) {
      const bytes = Buffer.from(random.bytes(size))
      expect(await b.afterSending(a, bytes)).toEqual(bytes)
      expect(await a.afterSending(b, bytes)).toEqual(bytes)
    }
    expect(relay.counters()).toMatchObject({ packets: 26, strange: 0, socket: { faults: 0 } })
    expect(relay.legs).toBe(2)
  })

  test('answers a stranger who says KEEP, and nobody who says anything else', async () => {
    const relay = await start()
    const stranger = await udpTo(relay)
    const answer = new Promise<Buffer>((resolve) => stranger.onDatagram(resolve))
    stranger.send(Buffer.from('let me in'))
    stranger.send(Buffer.from(encodeRelay({ op: 'keep' })))
    expect(new Uint8Array(await answer)).toEqual(encodeRelay({ op: 'unbound' }))
    expect(relay.counters().strange).toBe(1)
  })

  test('drains when its legs have been released, and says what each carried', async () => {
    const ended: unknown[] = []
    const relay = await start({ onEnded: (leg) => ended.push(leg) })
    const [a, b] = await boundPair(relay)
    await b.afterSending(a, Buffer.from('twelve bytes'))
    const drained = relay.drain(60_000)
    expect(relay.load).toBe(1)
    for (const peer of [a, b]) peer.release()
    await drained
    expect(ended).toMatchObject([
      { leg: 0, packets: 1, bytes: 12, reason: 'released' },
      { leg: 1, packets: 0 },
    ])
  })

  test('has drained when its time is over, though a leg is left', async () => {
    const relay = await start()
    await boundPair(relay)
    await relay.drain(50)
    expect(relay.legs).toBe(0)
  })
})

async function start(options: Partial<Parameters<typeof startRelay>[0]> = {}): Promise<Relay> {
  const relay = await startRelay({ host: '127.0.0.1', port: 0, fleetKeys: [FLEET_KEY], ...options })
  open.push(relay)
  return relay
}

async function boundPair(relay: Relay): Promise<[Peer, Peer]> {
  const [one, other] = grants()
  const a = new Peer(relay, await udpTo(relay), one)
  const b = new Peer(relay, await udpTo(relay), other)
  await Promise.all([a.bound, b.bound])
  return [a, b]
}

async function udpTo(relay: Relay): Promise<Way> {
  const way = await overUdp(relay)
  open.push(way)
  return way
}
