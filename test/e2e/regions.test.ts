/** Two nodes in two regions, one of them far away. Real peers sign in at the near one, and talk to those at the other. */
import { expect, onTestFinished, test } from 'vitest'
import { heard, systemUnderTest } from './system-under-test.ts'
import { gatePort, udpGate } from './udp-gate.ts'

const { port, indexHosts } = await gatePort()
const { system, join, joinAt, nodeOf } = await systemUnderTest({ regions: ['far', 'near'], indexHosts })
/** One-way delay of the far region, in milliseconds. It is longer than a busy machine delays an answer. */
const FAR_MS = 400
/**
 * Number of peers, and of those that must be near. A machine that stalls for a moment may lead one to the far node. If peers
 * chose at random, 10 of 12 would be near in one of 50 runs.
 */
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
