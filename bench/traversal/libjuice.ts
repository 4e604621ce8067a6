import type { Dialogue } from '../../test/natlab/dialogue.ts'
import { type Lab, SERVER_IPS } from '../../test/natlab/lab.ts'
import { within } from '../../test/natlab/within.ts'
import { type Attempt, type Contestant, LATE, RUN_MS, UP_MS } from './contestant.ts'
import { placePeer } from './place-peer.ts'

interface Line extends Attempt {
  readonly signal?: object
}

/** STUN is asked of our nodes; what the two sides tell each other passes through here, in no time. */
export function startLibjuice(lab: Lab): Contestant {
  let sides: readonly [asking: Dialogue, answering: Dialogue]
  return {
    name: 'libjuice',
    stand: async () => {
      const stun = `stun:${SERVER_IPS[0]}:3478`
      sides = [
        placePeer(lab, 'left', 'libjuice-peer.ts', stun),
        placePeer(lab, 'right', 'libjuice-peer.ts', stun),
      ]
      const ready = await Promise.all(sides.map((side) => within(UP_MS, side.next())))
      if (ready.includes(undefined)) return false
      void pass(sides[1], sides[0])
      return true
    },
    run: async () => {
      const [asking, answering] = sides
      asking.say({ ask: true })
      const attempt = await within(RUN_MS, pass(asking, answering))
      for (const side of sides) side.say({ end: true })
      return attempt ?? LATE
    },
  }
}

/** Hands on what is for the other side, until there is something else. */
async function pass(from: Dialogue, to: Dialogue): Promise<Attempt> {
  for (;;) {
    const line = await from.next<Line>()
    if (line === undefined) return { error: 'ended' }
    if (line.signal === undefined) return line
    to.say(line)
  }
}
