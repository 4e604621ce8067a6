import { expect, test } from 'vitest'
import type { Machine } from '../../../shared/core/machine.ts'
import { Queue } from '../../../shared/core/session/queue.ts'
import type { TunnelEffect } from '../../../shared/core/tunnel/events.ts'
import { Hops } from '../../../shared/core/tunnel/hops.ts'
import { Sockets } from '../../../shared/core/tunnel/sockets.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { addressOf } from '../../../shared/wire/address.ts'
import type { Batch } from '../../../shared/wire/batch.ts'
import type { SiteSetting } from '../../sim/internet.ts'
import { NAT_KINDS } from '../../sim/nat-kinds.ts'
import { Process } from '../../sim/process.ts'
import { Meeting } from './meeting.ts'

interface Opened {
  readonly ports: readonly number[]
}

/** The hop measurement alone, without a tunnel. */
class Measurement implements Machine<Opened, TunnelEffect> {
  readonly #outbox = new Queue<TunnelEffect>()
  readonly sockets = new Sockets(() => new Set(), this.#outbox)
  readonly hops = new Hops(new Random(new Uint8Array(32)), this.sockets)

  receive(arrived: Batch, out: Batch, now: number): void {
    for (let i = 0; i < arrived.count; i++) this.hops.take(arrived.at(i), now)
    this.hops.tick(out, now)
  }

  handle({ ports }: Opened, out: Batch, now: number): void {
    this.sockets.opened(ports, false)
    this.hops.tick(out, now)
  }

  tick(out: Batch, now: number): void {
    this.hops.tick(out, now)
  }

  deadline(): number {
    return this.hops.deadline()
  }

  poll(): TunnelEffect | undefined {
    return this.#outbox.take()
  }
}

function hopsBehind(site: SiteSetting, partners = true): number {
  const { hosts, nodes, stuns, world } = new Meeting({ sites: [site, {}] })
  const none = { kind: 'partner', partner: undefined } as const
  if (!partners) for (const stun of stuns) stun.handle(none)
  const machine = new Measurement()
  const servers = nodes.map(({ ips }) => ({
    primary: addressOf(ips[0]!, 3478)!,
    alternate: addressOf(ips[0]!, 3479)!,
  }))
  machine.hops.start(servers, hosts[0].clock)
  const process: Process<Opened, TunnelEffect> = new Process(hosts[0], machine, [{}], (effect) => {
    if (effect.kind !== 'openSockets') return
    world.after(0, () => {
      const ports = Array.from({ length: effect.count }, () => process.sockets[process.open({})]!.port)
      process.handle({ ports })
    })
  })
  world.until(() => !machine.hops.busy, 1000)
  return machine.hops.least
}

test.each([
  ['two hops open a home router', { nat: NAT_KINDS['port-restricted'] }, 2],
  ['and one that lets in every port of an address', { nat: NAT_KINDS['address-restricted'] }, 2],
  [
    'a home router behind that of a carrier',
    { nat: NAT_KINDS.linux, carrier: NAT_KINDS['port-restricted'] },
    3,
  ],
  ['a symmetric router tells nothing', { nat: NAT_KINDS['symmetric-random'] }, 0],
] as const)('%s', (_name, site, hops) => {
  expect(hopsBehind(site)).toBe(hops)
})

test('the refusal of a server that has no partner tells nothing', () => {
  expect(hopsBehind({ nat: NAT_KINDS['port-restricted'] }, false)).toBe(0)
})
