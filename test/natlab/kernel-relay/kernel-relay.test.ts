import { afterEach, beforeEach, expect, it } from 'vitest'
import { laboratory } from '../laboratory.ts'
import { type Counted, ip4, ip6, Network } from './network.ts'
import type { Talker } from './talker.ts'

/** Datagram sizes. The process, not the kernel, forwards those that are shorter than the prefix of control messages. */
const SIZES = [8, 9, 100, 576, 1200, 1400]
const MARK_SET = 'straightway_relay_3482'

laboratory('a relay whose packets the kernel forwards', { tools: ['ping'] }, () => {
  let network: Network
  beforeEach(() => {
    network = new Network()
  })
  afterEach(() => network.close())

  it.each([
    ['IPv4', ip4('relay'), 'net.ipv4.conf.net.forwarding'],
    ['IPv6', ip6('relay'), 'net.ipv6.conf.net.force_forwarding'],
  ])('carries every byte of %s and sees none of them, and leaves the host as it was', async (_, publicAddress, setting) => {
    const before = hostState(network)
    const relay = network.relay({ publicAddress })
    const [a] = await offloaded(network, relay)
    expect(network.at('relay', 'sysctl', '-n', setting).trim()).toBe('1')
    const then = await settled(relay)
    expect(await a.ask('equal', { exchange: SIZES })).toEqual({ equal: SIZES.length })
    const now = await after(relay, then.offloaded + 2 * SIZES.length)
    expect(now.socket.received).toBe(then.socket.received)
    expect(now.bytes - then.bytes).toBe(2 * SIZES.reduce((sum, size) => sum + size))
    expect(await a.ask('equal', { exchange: [0, 1, 7] })).toEqual({ equal: 3 })
    await relay.end()
    expect(hostState(network)).toEqual(before)
  })

  it('follows a leg that moves to another port', async () => {
    const relay = network.relay()
    const [a] = await offloaded(network, relay)
    const { offloaded: before } = await settled(relay)
    await a.ask('roamed', { roam: true })
    await untilKernel(relay, a, before)
    expect(await a.ask('equal', { exchange: SIZES })).toEqual({ equal: SIZES.length })
  })

  it('is a way for nobody else: the host forwards nothing but what comes from one leg to its relay', async () => {
    const relay = network.relay()
    const [a] = await offloaded(network, relay)
    for (const host of ['stranger', 'a'] as const) {
      network.namespaces.route('router', '10.9.3.2/32', ip4('relay'))
      expect(() => network.at(host, 'ping', '-c1', '-W1', ip4('b'))).toThrow()
      network.namespaces.ip('router', 'route', 'delete', '10.9.3.2/32')
      network.at(host, 'ping', '-c1', '-W5', ip4('b'))
    }
    const then = await settled(relay)
    network.at('stranger', 'ping', '-c1', '-W5', ip4('relay'))
    expect(await a.ask('equal', { exchange: [100] })).toEqual({ equal: 1 })
    expect(await after(relay, then.offloaded + 2)).toMatchObject({ offloaded: then.offloaded + 2 })
  })

  it('forwards nothing any more when its process was killed, and the next one finds what stayed', async () => {
    const before = hostState(network)
    const first = network.relay()
    await offloaded(network, first)
    await first.kill()
    await expect.poll(() => network.at('relay', 'nft', 'list', 'tables')).not.toContain(MARK_SET)
    network.namespaces.route('router', '10.9.3.2/32', ip4('relay'))
    expect(() => network.at('stranger', 'ping', '-c1', '-W1', ip4('b'))).toThrow()
    network.namespaces.ip('router', 'route', 'delete', '10.9.3.2/32')
    const second = network.relay()
    const [a] = await offloaded(network, second)
    expect(await a.ask('equal', { exchange: SIZES })).toEqual({ equal: SIZES.length })
    await second.end()
    expect(hostState(network)).toEqual(before)
  })

  it('mutes an owner in the kernel that sends more than its part', async () => {
    const relay = network.relay({ maxBytesPerSecond: 100_000 })
    const [a] = await offloaded(network, relay)
    let counted = await relay.ask<Counted>('offloaded')
    while (counted.overQuota === 0) {
      await a.ask('flooded', { flood: 200 })
      counted = await relay.ask<Counted>('offloaded')
    }
    const { received } = counted.socket
    await a.ask('flooded', { flood: 200 })
    expect((await relay.ask<Counted>('offloaded')).socket.received).toBe(received)
  })

  it('goes on in its process where another rule of the host drops what is forwarded', async () => {
    const relay = network.relay()
    network.at(
      'relay',
      'nft',
      'add table ip docker; add chain ip docker f { type filter hook forward priority 0; policy drop; }',
    )
    const { address } = await relay.line<{ address: string }>('address')
    await relay.line('what')
    const [a] = await network.pair(address)
    await a.ask('flooded', { flood: 20 })
    while (!JSON.stringify(await relay.line('what')).includes('another rule of this host'))
      await a.ask('flooded', { flood: 20 })
    expect(await a.ask('equal', { exchange: SIZES })).toEqual({ equal: SIZES.length })
    expect(await relay.ask('offloaded')).toMatchObject({ kernel: { pairs: 0 } })
  })

  it('comes back to its process when the host loses the address that peers come to, and to the kernel with it', async () => {
    const relay = network.relay()
    await offloaded(network, relay)
    network.at('relay', 'ip', 'address', 'delete', `${ip4('relay')}/24`, 'dev', 'net')
    expect(await relay.line('what')).toMatchObject({
      what: expect.stringContaining('in its process'),
      why: `this host no longer has the address ${ip4('relay')}`,
    })
    expect(network.at('relay', 'nft', 'list', 'tables')).not.toContain(MARK_SET)
    network.at('relay', 'ip', 'address', 'add', `${ip4('relay')}/24`, 'dev', 'net')
    await untilForwarding(relay)
  })

  it('goes on in its process, and says why, where it may not tell the kernel anything', async () => {
    const relay = network.relay({}, ['setpriv', '--bounding-set', '-net_admin', '--inh-caps', '-net_admin'])
    const { address } = await relay.line<{ address: string }>('address')
    expect(await relay.line('what')).toMatchObject({
      what: expect.stringContaining('in its process'),
      why: expect.any(String),
    })
    const [a] = await network.pair(address)
    expect(await a.ask('equal', { exchange: SIZES })).toEqual({ equal: SIZES.length })
    expect(await relay.ask('offloaded')).toMatchObject({ offloaded: 0, kernel: { pairs: 0 } })
  })
})

/** Returns a pair whose packets the kernel has begun to forward. */
async function offloaded(network: Network, relay: Talker): Promise<[Talker, Talker]> {
  const { address } = await relay.line<{ address: string }>('address')
  await untilForwarding(relay)
  const pair = await network.pair(address)
  await untilKernel(relay, pair[0])
  return pair
}

/**
 * Waits until the kernel forwards. A new link takes a moment to come up, and until then the relay reports that it has no
 * address.
 */
async function untilForwarding(relay: Talker): Promise<void> {
  while (!(await relay.line<{ what: string }>('what')).what.includes('the kernel forwards'));
}

/**
 * Waits until the kernel has forwarded another packet. A packet sent to a leg's old address may be lost while its pair is
 * withdrawn.
 */
async function untilKernel(relay: Talker, a: Talker, before = 0): Promise<void> {
  do await a.ask('equal', { exchange: [100] })
  while ((await relay.ask<Counted>('offloaded')).offloaded === before)
}

/** Returns the relay's counts for everything sent so far. */
async function settled(relay: Talker): Promise<Counted> {
  const read = (await relay.ask<Counted>('offloaded')).kernel.readings
  for (;;) {
    const counted = await relay.ask<Counted>('offloaded')
    if (counted.kernel.readings >= read + 2) return counted
  }
}

/** Returns the relay's counts once it has read at least `offloaded` packets from the kernel. */
async function after(relay: Talker, offloaded: number): Promise<Counted> {
  for (;;) {
    const counted = await relay.ask<Counted>('offloaded')
    if (counted.offloaded >= offloaded) return counted
  }
}

function hostState(network: Network): string[] {
  const settings = network.at('relay', 'sysctl', '-a', '--pattern', 'net.ipv[46].*forwarding')
  return [settings, network.at('relay', 'nft', 'list', 'ruleset')]
}
