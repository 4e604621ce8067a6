import type { Dialogue } from '../../test/natlab/dialogue.ts'
import { type Lab, SERVER_IPS } from '../../test/natlab/lab.ts'
import { within } from '../../test/natlab/within.ts'
import { type Attempt, type Contestant, LATE, UP_MS } from './contestant.ts'
import { placePeer } from './place-peer.ts'

/** Its checks are repeated for longer, but what connects here does so within one. */
const RUN_MS = 8_000

interface Line extends Attempt {
  /** For which attempt it is; what comes late counts no more. */
  readonly run?: number
}

/** STUN is asked of our nodes; what the two sides tell each other passes through here, in no time. */
export function startLibjuice(lab: Lab): Contestant {
  let asking: Dialogue
  let answering: Dialogue
  let run = 0
  let told: (attempt: Attempt) => void
  return {
    name: 'libjuice',
    stand: async () => {
      const stun = `stun:${SERVER_IPS[0]}:3478`
      asking = placePeer(lab, 'left', 'libjuice-peer.ts', stun)
      answering = placePeer(lab, 'right', 'libjuice-peer.ts', stun)
      const ready = await Promise.all([asking, answering].map((side) => within(UP_MS, side.next())))
      void pass(asking, answering, (line) => line.run === run && told(line))
      void pass(answering, asking, () => {})
      return !ready.includes(undefined)
    },
    run: async () => {
      const attempt = new Promise<Attempt>((resolve) => {
        told = resolve
      })
      asking.say({ ask: ++run })
      const result = await within(RUN_MS, attempt)
      for (const side of [asking, answering]) side.say({ end: run })
      return result ?? LATE
    },
  }
}

/** Hands on what is for the other side, and tells of the rest, until the process ends. */
async function pass(from: Dialogue, to: Dialogue, tell: (line: Line) => void): Promise<void> {
  for (;;) {
    const line = await from.next<Line & { readonly signal?: object }>()
    if (line === undefined) return
    if (line.signal === undefined) tell(line)
    else to.say(line)
  }
}
