import type { Dialogue } from '../../test/natlab/dialogue.ts'
import { type Lab, SERVER_IPS } from '../../test/natlab/lab.ts'
import { within } from '../../test/natlab/within.ts'
import { type Attempt, type Contestant, LATE, RUN_MS, UP_MS } from './contestant.ts'
import { placePeer } from './place-peer.ts'

interface Listening {
  readonly key: string
}

/** HyperDHT with a private DHT at the server, and a node on each side. */
export async function startHyperdht(lab: Lab): Promise<Contestant> {
  const nodes = placePeer(lab, 'server', 'hyperdht-nodes.ts', ...SERVER_IPS)
  const dht = await nodes.next<{ bootstrap: string }>()
  if (dht === undefined) throw new Error('The nodes of HyperDHT did not start.')
  let asking: Dialogue
  let to: string
  return {
    name: 'hyperdht',
    stand: async () => {
      const sides = (['left', 'right'] as const).map((side) =>
        placePeer(lab, side, 'hyperdht-peer.ts', dht.bootstrap),
      )
      const [left, right] = await Promise.all(sides.map((it) => within(UP_MS, it.next<Listening>())))
      asking = sides[0]!
      if (right !== undefined) to = right.key
      return left !== undefined && right !== undefined
    },
    run: async () => {
      asking.say({ to })
      return (await within(RUN_MS, asking.next<Attempt>())) ?? LATE
    },
  }
}
