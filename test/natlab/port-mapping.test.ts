/**
 * Port mappings on a real router, with Debian's miniupnpd. Its NAT is symmetric, so two peers without mapped ports stay on
 * the relay (shown in ping.test.ts).
 */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { Lab, type SideName } from './lab.ts'
import { laboratory } from './laboratory.ts'
import { NAT_KINDS } from './nat-kinds.ts'
import { SystemInLab } from './system.ts'

const CLI = fileURLToPath(new URL('../../cli/straightway.js', import.meta.url))
const DIRECT = { path: 'direct', technique: 'mapped', lost: 0 }
const PATIENCE = { timeout: 20_000, interval: 50 }
const ROUTERS = [
  ['pcp', 'pcp'],
  ['nat-pmp', 'natPmp'],
  ['upnp', 'upnp'],
] as const

laboratory('a port of the router', {}, () => {
  const symmetric = NAT_KINDS['symmetric-random']
  let lab: Lab
  let system: SystemInLab

  beforeAll(async () => {
    lab = await Lab.start({ left: symmetric, right: symmetric })
    system = await SystemInLab.start(lab)
  })
  afterAll(async () => {
    await lab[Symbol.asyncDispose]()
    await system[Symbol.asyncDispose]()
  })

  /** Returns the rules by which the left router forwards ports. */
  async function forwarded(): Promise<string[]> {
    const rules = await lab.run('left-router', ['nft', 'list', 'table', 'inet', 'miniupnpd'])
    return rules.split('\n').filter((rule) => rule.includes('dnat'))
  }

  async function doctor(side: SideName): Promise<{ portMapping: object; against: object }> {
    const command = [process.execPath, CLI, 'doctor', '--json', '--index', system.index]
    return JSON.parse(await lab.run(side, command))
  }

  describe.each(ROUTERS)('by %s', (kind, service) => {
    beforeAll(() => lab.rebuild({ left: NAT_KINDS[kind], right: symmetric }))

    it('makes a tunnel direct that this side begins, and is deleted with it', async () => {
      await using up = await system.up('right')
      const pinging = system.ping('left', up.peer)
      await vi.waitUntil(async () => (await forwarded()).length === 1, PATIENCE)
      expect(await pinging).toMatchObject(DIRECT)
      expect(await forwarded()).toEqual([])
    })

    it('makes a tunnel direct that the other side begins', async () => {
      await using up = await system.up('left')
      expect(await system.ping('right', up.peer)).toMatchObject(DIRECT)
    })

    it('is foretold by doctor', async () => {
      const [here, there] = await Promise.all([doctor('left'), doctor('right')])
      const gateway = '192.168.1.1'
      expect(here.portMapping).toMatchObject({ gateway, services: [service], doubleNat: false })
      expect(here.against).toMatchObject({ symmetric: { path: 'direct', technique: 'mapped' } })
      expect(there.portMapping).toMatchObject({ services: [], doubleNat: false })
      expect(there.against).toMatchObject({ symmetric: { path: 'relayed', whyNotDirect: 'both-symmetric' } })
    })
  })
})
