import type { Dialogue } from '../../test/natlab/dialogue.ts'
import type { Lab } from '../../test/natlab/lab.ts'
import { SystemInLab } from '../../test/natlab/system.ts'
import { within } from '../../test/natlab/within.ts'
import { type Attempt, type Contestant, LATE, RUN_MS, UP_MS } from './contestant.ts'
import { placePeer } from './place-peer.ts'

/** Straightway, with INDEX, nodes and relay at the server, and an online peer on each side. */
export async function startStraightway(lab: Lab): Promise<Contestant & AsyncDisposable> {
  const system = await SystemInLab.start(lab)
  let asking: Dialogue
  let to: string
  return {
    name: 'straightway',
    stand: async () => {
      const { index, invite, home } = system.enrolment()
      asking = placePeer(lab, 'left', 'straightway-peer.ts', index, invite, home)
      const up = system.up('right').catch(() => undefined)
      const [online, other] = await Promise.all([within(UP_MS, asking.next()), within(UP_MS, up)])
      if (other !== undefined) to = other.peer
      return online !== undefined && other !== undefined
    },
    run: async () => {
      asking.say({ to })
      return (await within(RUN_MS, asking.next<Attempt>())) ?? LATE
    },
    [Symbol.asyncDispose]: () => system[Symbol.asyncDispose](),
  }
}
