import { describe, expect, it } from 'vitest'
import { BROADBAND } from './link.ts'
import { NAT_KINDS } from './nat-kinds.ts'
import { System } from './system.ts'

describe('signing in', () => {
  it('takes two round trips to INDEX and one to a node', () => {
    const system = new System({ seed: 1 })
    const peer = system.peer('ann', { networks: [system.network()] }).start()
    expect(system.world.until(() => peer.online, 400)).toBe(true)
    expect(system.conclude()).toEqual([])
  })
})
