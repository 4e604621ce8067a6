/**
 * Peers that can predict their own public address become direct without a HANDSHAKE. Nothing else helps them find each other
 * here.
 */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { laboratory } from './laboratory.ts'
import type { Pair, Run } from './matrix.ts'
import { Trials } from './trials.ts'

const HANDSHAKE_PORT = 3481
/** A JOIN at a port that all services share: the first two bytes behind the header of UDP. */
const JOIN_AT_COMMON_PORT = 'udp dport { 443, 3478 } @th,64,16 0x5110'
/** Port of INDEX and the gateway. A HANDSHAKE is reached through the gateway if UDP to it is dropped. */
const GATEWAY_PORT = 8787
/** An attempt made before the NAT is known fails after 30 s; the next one succeeds. */
const PATIENCE = { timeout: 100_000, interval: 1 }

laboratory('where no HANDSHAKE answers', {}, () => {
  let trials: Trials
  beforeAll(async () => {
    trials = await Trials.start()
  })
  afterAll(() => trials?.[Symbol.asyncDispose]())

  const nft = (command: string) => trials.lab.run('server', ['nft', command])

  /** Opens two tunnels as usual, so that both sides learn about their NATs, then runs `act` without a HANDSHAKE. */
  async function silently<T>(pair: Pair, act: (run: () => Promise<Run>) => Promise<T>): Promise<T> {
    await trials.runs(pair, 2)
    await nft('add table inet silent')
    try {
      await nft('add chain inet silent in { type filter hook input priority 0; }')
      await nft(`add rule inet silent in udp dport ${HANDSHAKE_PORT} drop`)
      await nft(`add rule inet silent in ${JOIN_AT_COMMON_PORT} drop`)
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
