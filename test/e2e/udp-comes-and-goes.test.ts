/**
 * A peer in a network that first drops UDP, then passes it, then drops it again. The peer moves to the gateway and back
 * without interruption, and its tunnel becomes direct meanwhile.
 */
import { afterAll, expect, test, vi } from 'vitest'
import type { PeerSocket } from '../../peer/index.ts'
import { heard, systemUnderTest } from './system-under-test.ts'
import { gatePort, udpGate } from './udp-gate.ts'

/** Time limit of a test. A carried peer retries UDP every 30 s. */
const PATIENCE_MS = 60_000

const { port, indexHosts } = await gatePort()
const { system, join } = await systemUnderTest({ indexHosts })
const services = system.nodes.flatMap(({ addresses: { checkpoint = [], stun = [] } }) => [
  ...checkpoint,
  ...stun,
])
const gate = await udpGate(system, port, services)
afterAll(() => gate.close())

const eventually = (isIt: () => boolean) => vi.waitUntil(isIt, { timeout: PATIENCE_MS })

test('is online all the time, and reached', async () => {
  const ada = await join()
  gate.isOpen = false
  const begunAt = Date.now()
  const ben = await join({ index: gate.index })
  expect(Date.now() - begunAt).toBeLessThan(10_000)
  expect(ben.udpBlocked).toBe(true)

  const changes: unknown[] = []
  ben.on('state', (...change) => changes.push(change))
  const reach = async () => {
    const arrived = [heard(ada, 'message'), heard(ben, 'message')]
    expect(await Promise.all([ben.send(ada.peer, 'a'), ada.send(ben.peer, 'b')])).toEqual([
      'delivered',
      'delivered',
    ])
    await Promise.all(arrived)
  }
  const accepted = heard(ben, 'offer').then(([offer]) => offer.accept())
  const [here, there]: [PeerSocket, PeerSocket] = await Promise.all([ada.connect(ben.peer), accepted])
  const cross = async () => {
    const arrived = [heard(here, 'message'), heard(there, 'message')]
    here.send('there')
    there.send('back')
    await Promise.all(arrived)
  }
  await reach()
  await eventually(() => here.whyNotDirect === 'udp-blocked')
  await cross()

  gate.isOpen = true
  await eventually(() => !ben.udpBlocked)
  await reach()
  await eventually(() => here.path === 'direct' && there.path === 'direct')
  await cross()

  gate.isOpen = false
  const sent = ben.send(ada.peer, 'without')
  ada.once('message', () => {})
  expect(await sent).toBe('delivered')
  await reach()
  // Only CHECKPOINTs and STUN are behind the gate. A working path between peers is not given up because of it.
  await cross()
  expect([here.path, there.path]).toEqual(['direct', 'direct'])
  expect(changes).toEqual([])
})
