import { describe, expect, it } from 'vitest'
import { Internet } from './internet.ts'
import { NAT_KINDS } from './nat-kinds.ts'
import type { Endpoint } from './packet.ts'
import { World } from './world.ts'

const LOSSY = { latencyMs: 20, jitterMs: 10, loss: 0.5, duplicate: 0.5, reorder: 0.5, mtu: 1500 }

function blocked() {
  const world = new World(1)
  const internet = new Internet(world)
  const server = internet.server('server', { overTcp: [4000] })
  const host = internet.site('work', { nat: NAT_KINDS.linux, udpBlocked: true, link: LOSSY }).host('laptop')
  const at = (port: number): Endpoint => ({ ip: server.ips[0]!, port })
  return { world, server, host, at }
}

describe('a host whose network drops UDP', () => {
  it('reaches a service that takes TCP, in order and without loss, and is answered', () => {
    const { world, server, host, at } = blocked()
    const [heard, answered]: [number[], string[]] = [[], []]
    const service = server.open(
      (from, [number]) => {
        heard.push(number!)
        server.send(service, from, Uint8Array.of(0), 0)
      },
      { port: 4000 },
    )
    const socket = host.open(({ ip, port }) => answered.push(`${ip} ${port}`))
    for (let n = 0; n < 50; n++) host.send(socket, at(4000), Uint8Array.of(n), 0)
    world.pass(5000)
    expect(heard).toEqual(Array.from({ length: 50 }, (_, n) => n))
    expect(new Set(answered)).toEqual(new Set([`${server.ips[0]} 4000`]))
    expect(answered).toHaveLength(50)
  })

  it('is seen there at an address that no datagram can come from', () => {
    const { world, server, host, at } = blocked()
    const from: string[] = []
    server.open(({ ip }) => from.push(ip), { port: 4000 })
    host.send(
      host.open(() => {}),
      at(4000),
      Uint8Array.of(1),
      0,
    )
    world.pass(5000)
    expect(from).toEqual(['100::1'])
  })

  it('reaches nothing else', () => {
    const { world, server, host, at } = blocked()
    server.open(() => expect.unreachable(), { port: 3478 })
    host.send(
      host.open(() => {}),
      at(3478),
      Uint8Array.of(1),
      0,
    )
    world.pass(5000)
    expect(host.udpBlocked).toBe(true)
    expect(world.dropped.get('udp blocked')).toBe(1)
  })
})
