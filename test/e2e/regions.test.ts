/** Two nodes in two regions, one of them far away: real peers sign in at the near one, and talk to whoever is at the other. */
import { expect, onTestFinished, test } from 'vitest'
import { heard, systemUnderTest } from './system-under-test.ts'
import { gatePort, udpGate } from './udp-gate.ts'

const { port, indexHosts } = await gatePort()
const { system, join, joinAt, nodeOf } = await systemUnderTest({ regions: ['far', 'near'], indexHosts })
/** Each way: more than a machine that does other things keeps an answer waiting. */
const FAR_MS = 400
/** A machine that stands still for a moment may lead one astray; by chance alone so many would be near in one of 50 runs. */
const PEERS = 12
const NEAR = 10

const [far, near] = system.nodes
const gate = await udpGate(system, port, far!.addresses.checkpoint!, FAR_MS)

test('peers sign in at the node that is near, and talk to one at the other', async () => {
  onTestFinished(() => gate.close())
  const peers = []
  for (let i = 0; i < PEERS; i++) peers.push(await join({ index: gate.index }))
  const nodes = await Promise.all(peers.map(({ peer }) => nodeOf(peer)))
  expect(nodes.filter((node) => node === near!.node).length).toBeGreaterThanOrEqual(NEAR)

  const stranger = await joinAt(0)
  const told = heard(stranger, 'message', ({ text }) => text === 'from here')
  expect(await peers[0]!.send(stranger.peer, 'from here')).toBe('delivered')
  await told
})
