import type { Dialogue } from '../../test/natlab/dialogue.ts'
import { type Lab, SERVER_IPS } from '../../test/natlab/lab.ts'
import { within } from '../../test/natlab/within.ts'
import { type Attempt, type Contestant, LATE, UP_MS } from './contestant.ts'
import { placePeer } from './place-peer.ts'

/** Timeout of an attempt. ICE repeats its checks for longer, but every pair that connects here does so within this time. */
const RUN_MS = 8_000
const SIGNAL_PORT = 8790

interface Line extends Attempt {
  /** Number of the attempt. Lines of earlier attempts are ignored. */
  readonly run?: number
}

/** libjuice, with our nodes as STUN servers, and a signalling server in the same place. */
export function startLibjuice(lab: Lab): Contestant {
  let asking: Dialogue
  let answering: Dialogue
  let served: Promise<object | undefined> | undefined
  let run = 0
  let told: (attempt: Attempt) => void
  return {
    name: 'libjuice',
    stand: async () => {
      const stun = `stun:${SERVER_IPS[0]}:3478`
      const signals = [SERVER_IPS[0], String(SIGNAL_PORT)] as const
      served ??= serve(lab, signals)
      if ((await within(UP_MS, served)) === undefined) return false
      asking = placePeer(lab, 'left', 'libjuice-peer.ts', stun, ...signals)
      answering = placePeer(lab, 'right', 'libjuice-peer.ts', stun, ...signals)
      const ready = await Promise.all([asking, answering].map((side) => within(UP_MS, side.next())))
      void hear(asking, (line) => line.run === run && told(line))
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

const serve = (lab: Lab, address: readonly [string, string]): Promise<object | undefined> =>
  placePeer(lab, 'server', 'signal-server.ts', ...address).next()

/** Passes on the output lines of a peer until its process ends. */
async function hear(from: Dialogue, tell: (line: Line) => void): Promise<void> {
  for (;;) {
    const line = await from.next<Line>()
    if (line === undefined) return
    tell(line)
  }
}
