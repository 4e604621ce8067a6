import { expect, test } from 'vitest'
import type { Machine } from '../../../shared/core/machine.ts'
import { Evidence, type Evidenced } from '../../../shared/core/tunnel/evidence.ts'
import { Random } from '../../../shared/crypto/random.ts'
import { addressOf } from '../../../shared/wire/address.ts'
import type { Batch } from '../../../shared/wire/batch.ts'
import { NAT_KINDS, type NatKind } from '../../sim/nat-kinds.ts'
import { Process } from '../../sim/process.ts'
import { Meeting } from './meeting.ts'

/** The evidence alone, without a tunnel. */
class Gathering implements Machine<never, never> {
  readonly evidence = new Evidence(new Random(new Uint8Array(32)), 0, { tracing: true })

  receive(arrived: Batch, out: Batch, now: number): void {
    for (let i = 0; i < arrived.count; i++) this.evidence.take(arrived.at(i), now)
    this.evidence.tick(out, now)
  }

  handle(): void {}

  tick(out: Batch, now: number): void {
    this.evidence.tick(out, now)
  }

  deadline(): number {
    return this.evidence.deadline()
  }

  poll(): undefined {}
}

function evidenceBehind(kind: NatKind): Evidenced & { readonly tookMs: number } {
  const { hosts, nodes, world } = new Meeting({ sites: [{ nat: NAT_KINDS[kind] }, {}] })
  const machine = new Gathering()
  const servers = nodes.map(({ ips }) => ({
    primary: addressOf(ips[0]!, 3478)!,
    alternate: addressOf(ips[0]!, 3479)!,
  }))
  const port = hosts[0].freePort()
  machine.evidence.start(servers, undefined, port, hosts[0].clock)
  new Process(hosts[0], machine, [{ port }], () => {})
  const startedAt = world.now
  world.until(() => machine.evidence.ready, 2000)
  return { ...machine.evidence.profile, tookMs: world.now - startedAt }
}

test.each([
  ['full-cone', { mapping: 'independent', filtering: 'independent' }],
  ['address-restricted', { mapping: 'independent', filtering: 'address', forgiving: true }],
  ['port-restricted', { mapping: 'independent', filtering: 'addressAndPort', forgiving: true }],
  ['linux-exposed', { mapping: 'independent', filtering: 'addressAndPort', forgiving: false }],
  ['symmetric-random', { mapping: 'addressAndPort', filtering: 'addressAndPort', forgiving: false }],
] as const)('what %s does is known in time', (kind, expected) => {
  const { tookMs, ...found } = evidenceBehind(kind)
  expect(found).toMatchObject({ ready: true, ...expected })
  expect(tookMs).toBeLessThan(500)
})
