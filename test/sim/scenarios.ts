/** The random scenarios. Each plays a system to its end; the model decides what was wrong. */
import type { Dice } from './dice.ts'
import { playLife } from './life.ts'
import type { Peer } from './peer.ts'
import { drawPlace } from './places.ts'
import { System } from './system.ts'
import type { Tunnel } from './tunnel.ts'

export interface Played {
  readonly system: System
  /** One end of each agreed tunnel, and the kinds of the two sites. */
  readonly tunnels: readonly { readonly between: string; readonly end: Tunnel }[]
}

type Tell = ((line: string) => void) | undefined

export const SCENARIOS = {
  /** Two peers anywhere in the world open a tunnel and talk for half a minute. */
  calls(seed, tell) {
    const system = new System({ seed, tell })
    const dice = system.world.dice.fork('calls')
    const network = system.network()
    const places = [drawPlace(dice), drawPlace(dice)]
    const [ann, bob] = places.map(({ name, setting }, i) =>
      system.peer(`${i} ${name}`, { networks: [network], site: system.site(`${i} ${name}`, setting) }),
    ) as [Peer, Peer]
    if (!system.bringOnline([ann, bob], 30_000)) system.model.violated('a peer could not sign in within 30 s')
    const attempt = ann.connect(bob)
    if (!system.world.until(() => attempt.tunnel !== undefined, 30_000)) {
      system.model.violated('no tunnel was agreed on within 30 s')
      return { system, tunnels: [] }
    }
    for (const end of [...ann.tunnels.values(), ...bob.tunnels.values()]) end.talk(200, 30_000)
    system.world.pass(32_000)
    const between = places.map(({ name }) => name).join(' - ')
    return { system, tunnels: [{ between, end: attempt.tunnel! }] }
  },

  /** A few peers send each other messages all the time, on bad links, while nodes die and come back. */
  letters(seed, tell) {
    const system = new System({ seed, nodes: 3, tell })
    const dice = system.world.dice.fork('letters')
    const network = system.network()
    const peers = Array.from({ length: dice.between(2, 5) }, (_, i) =>
      system.peer(`peer ${i}`, {
        networks: [network],
        site: system.site(`site ${i}`, drawPlace(dice).setting),
      }),
    )
    if (!system.bringOnline(peers, 60_000)) system.model.violated('a peer could not sign in within a minute')
    for (let i = dice.between(50, 150); i > 0; i--)
      system.world.after(dice.float() * 60_000, () => write(peers, dice))
    const node = dice.pick(system.nodes)
    system.world.after(dice.float() * 40_000, () => node.kill())
    system.world.after(45_000, () => node.start())
    system.world.pass(180_000)
    system.model.requireAllDelivered()
    return { system, tunnels: [] }
  },

  /** Two minutes in which everything happens that happens in years, and three in which it settles down. */
  life: playLife,
} satisfies Record<string, (seed: number, tell?: Tell) => Played>

export type ScenarioName = keyof typeof SCENARIOS

function write(peers: readonly Peer[], dice: Dice): void {
  const [from, to] = dice.shuffled(peers)
  from!.send(to!)
}
