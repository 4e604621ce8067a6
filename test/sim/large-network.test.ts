/** A network of 100,000 members costs its peers, nodes and tables as much as a network of three. */
import { expect, it } from 'vitest'
import { type PeerId, toBase32, type UserId } from '../../shared/ids.ts'
import { System } from './system.ts'

const MEMBERS = 100_000

const numbered = (i: number, bytes: number): string => {
  const id = Buffer.alloc(bytes)
  id.writeUInt32BE(i, bytes - 4)
  return toBase32(id)
}

/** Lets Ann, Bob and Cid meet in a network with `others` more members. Returns what they see, when, and what it cost. */
function meeting(others: number) {
  const system = new System({ seed: 1, nodes: 3 })
  const network = system.network()
  const { tables } = system.cloud
  for (let i = 0; i < others; i++) {
    const user = `u_${numbered(i, 10)}` as UserId
    tables.enrol(numbered(i, 32) as PeerId, user)
    tables.setRole(network, user, 'member')
    // They joined long ago, so the streams have already reported it.
    tables.poll()
  }
  const [ann, bob, cid] = ['ann', 'bob', 'cid'].map((name) => system.peer(name, { networks: [network] }))
  const { world } = system
  const times: number[] = []
  const within = (ms: number, holds: () => boolean) => {
    const from = world.now
    expect(world.until(holds, ms)).toBe(true)
    times.push(world.now - from)
  }
  within(5_000, () => system.bringOnline([ann!, bob!, cid!]))
  world.pass(2_000)
  bob!.setPresence({ status: 'busy', metadata: { game: 'go' } })
  within(1_000, () => ann!.seen.get(bob!.id)?.status === 'busy')
  const found = ann!.find('metadata.game eq "go"')
  within(1_000, () => found.done)
  expect(found.records.map(({ peer }) => peer)).toEqual([bob!.id])
  const text = cid!.send(ann!)
  within(1_000, () => ann!.messages.some((message) => message.text === text))
  system.cloud.write((tables) => tables.setRole(network, bob!.user, null))
  within(1_000, () =>
    ann!.changes.some((change) => change.kind === 'membership' && change.user === bob!.user),
  )
  expect(system.conclude()).toEqual([])
  return { times, requests: { ...system.cloud.requests } }
}

it('signing in, being told, finding and writing in a network of 100,000 take as long and ask the tables as much as among three', () => {
  const [among, alone] = [meeting(MEMBERS), meeting(0)]
  console.log(JSON.stringify({ members: MEMBERS + 3, ...among, among3: alone }))
  expect(among).toEqual(alone)
})
