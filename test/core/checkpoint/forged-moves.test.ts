import { describe, expect, test } from 'vitest'
import { formatAddress, parseAddress } from '../../../shared/wire/address.ts'
import { FRAME } from '../../../shared/wire/numbers.ts'
import { encodeAck } from '../../../shared/wire/session.ts'
import type { ScriptedPeer } from './scripted-peer.ts'
import { World } from './world.ts'

describe('a member that signs in and then forges the source of its datagrams', () => {
  const VICTIM = parseAddress('203.0.113.99:53')!

  /** Returns what was sent to the victim, and what arrived in its name, while much data waits for the member. */
  function aimed(say: (member: ScriptedPeer) => void): { readonly came: number; readonly went: number } {
    const world = new World()
    const [member, friend] = [world.peer('m', 'mal', ['home']), world.peer('f', 'fay', ['home'])]
    world.signIn(member)
    world.signIn(friend)
    const own = member.address
    let [came, went] = [0, 0]
    world.fate = (bytes, from, to) => {
      if (from === formatAddress(VICTIM.words)) came += bytes.length
      if (to === formatAddress(VICTIM.words)) went += bytes.length
      return to === formatAddress(VICTIM.words) ? [] : [10]
    }
    member.acknowledges = false
    for (let i = 0; i < 20; i++) {
      member.address = VICTIM
      say(member)
      world.run(0)
      member.address = own
      for (let n = 1; n <= 12; n++) friend.say(member, 12 * i + n, 'x'.repeat(1000), world.now)
      world.run(250)
    }
    return { came, went }
  }

  test('gets a victim at most three times the bytes that it sent in its name', () => {
    const { came, went } = aimed((member) => member.session?.ping(1))
    expect(came).toBeGreaterThan(500)
    expect(went).toBeLessThanOrEqual(3 * came)
  })

  test('and acknowledges what it never received gets no more', () => {
    const { came, went } = aimed((member) => {
      member.session?.send(FRAME.ACK, encodeAck({ next: 0xffffffff, held: 0 }))
    })
    expect(went).toBeLessThanOrEqual(3 * came)
  })
})
