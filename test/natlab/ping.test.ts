import { afterAll, beforeAll, expect, it } from 'vitest'
import { Lab } from './lab.ts'
import { laboratory } from './laboratory.ts'
import { NAT_KINDS } from './nat-kinds.ts'
import { SystemInLab } from './system.ts'

interface Pinged {
  readonly path: 'direct' | 'relayed'
  readonly whyNotDirect?: string
  readonly firstByteMs: number
  readonly directMs?: number
  readonly sent: number
  readonly lost: number
  readonly rttMs: { readonly min: number; readonly avg: number; readonly max: number }
}

type KindName = keyof typeof NAT_KINDS

laboratory('straightway ping across real NATs', {}, () => {
  const { open } = NAT_KINDS
  let lab: Lab
  let system: SystemInLab
  beforeAll(async () => {
    lab = await Lab.start({ left: open, right: open })
    system = await SystemInLab.start(lab)
  })
  afterAll(async () => {
    await lab[Symbol.asyncDispose]()
    await system[Symbol.asyncDispose]()
  })

  async function pingBetween(left: KindName, right: KindName, ...options: string[]): Promise<Pinged> {
    lab.rebuild({ left: NAT_KINDS[left], right: NAT_KINDS[right] })
    await using up = await system.up('right')
    return await system.ping('left', up.peer, ...options)
  }

  const direct: [KindName, KindName][] = [
    ['open', 'open'],
    ['open', 'port-restricted'],
    ['port-restricted', 'port-restricted'],
    ['port-restricted', 'full-cone'],
    ['address-restricted', 'symmetric-random'],
    ['symmetric-random', 'full-cone'],
    ['symmetric-random', 'open'],
  ]
  it.each(direct)('%s towards %s is direct', async (left, right) => {
    const pinged = await pingBetween(left, right)
    expect(pinged).toMatchObject({ path: 'direct', lost: 0 })
    expect(pinged.firstByteMs).toBeGreaterThan(0)
    expect(pinged.directMs).toBeGreaterThan(0)
    expect(pinged).not.toHaveProperty('whyNotDirect')
  })

  it('symmetric-random towards symmetric-random is relayed, says why, and data flows', async () => {
    const pinged = await pingBetween('symmetric-random', 'symmetric-random')
    expect(pinged).toMatchObject({ path: 'relayed', whyNotDirect: 'both-symmetric', lost: 0 })
    expect(pinged.rttMs.avg).toBeGreaterThan(0)
    expect(pinged).not.toHaveProperty('directMs')
  })

  it('is relayed where that was asked for, although it could be direct', async () => {
    const pinged = await pingBetween('port-restricted', 'port-restricted', '--paths', 'relay-only')
    expect(pinged).toMatchObject({ path: 'relayed', whyNotDirect: 'policy', lost: 0 })
  })
})
