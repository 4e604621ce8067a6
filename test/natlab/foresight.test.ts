/** Peers that can tell where they will be seen are direct without a HANDSHAKE: nothing else leads them to each other here. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { laboratory } from './laboratory.ts'
import type { Pair, Run } from './matrix.ts'
import { Trials } from './trials.ts'

const HANDSHAKE_PORT = 3481
/** Of INDEX and the gateway, through which a HANDSHAKE is reached where its port is dropped. */
const GATEWAY_PORT = 8787
/** An attempt that comes before the NAT is known fails after 30 s; the next one does not. */
const PATIENCE = { timeout: 100_000, interval: 1 }

laboratory('where no HANDSHAKE answers', {}, () => {
  let trials: Trials
  beforeAll(async () => {
    trials = await Trials.start()
  })
  afterAll(() => trials?.[Symbol.asyncDispose]())

  const nft = (command: string) => trials.lab.run('server', ['nft', command])

  /** Two tunnels as usual, in which both sides learn of their NATs; then `act` without a HANDSHAKE. */
  async function silently<T>(pair: Pair, act: (run: () => Promise<Run>) => Promise<T>): Promise<T> {
    await trials.runs(pair, 2)
    await nft('add table inet silent')
    try {
      await nft('add chain inet silent in { type filter hook input priority 0; }')
      await nft(`add rule inet silent in udp dport ${HANDSHAKE_PORT} drop`)
      await nft(`add rule inet silent in tcp dport ${GATEWAY_PORT} drop`)
      return await act(async () => (await trials.runs(pair, 1))[0]!)
    } finally {
      await nft('delete table inet silent')
    }
  }

  it.each<Pair>([
    ['open', 'port-restricted'],
    ['port-restricted', 'port-restricted'],
    ['port-restricted', 'port-restricted-reject'],
    ['port-restricted-reject', 'port-restricted'],
    ['port-restricted-reject', 'port-restricted-reject'],
  ])('%s towards %s is direct once both NATs are known', async (...pair) => {
    await silently(pair, (run) => vi.waitUntil(async () => (await run()).path === 'direct', PATIENCE))
  })

  it('a pair with unforeseeable ports is not', async () => {
    const run = await silently(['port-restricted', 'symmetric-random'], (run) => run())
    expect(run).toMatchObject({ error: 'timeout' })
  })
})
