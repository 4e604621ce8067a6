import type { Command } from 'commander'
import { benchDoors, type DoorResult } from './doors.ts'
import { benchMoves } from './moves.ts'
import { benchReturn } from './return.ts'

const COUNT = { whole: 100_000, quick: 5000 }
/** Number of peers behind one address: `whole` is the most that one node accepts, `quick` takes a few seconds. */
const PEERS = { whole: 20_000, quick: 1000 }
const BACK_WITHIN_S = 60

interface Options {
  readonly json?: true
  readonly quick?: true
}

/** Adds the command `doors`. It fails if an unproven datagram gets a response above its bound, or if peers return too late. */
export function addDoors(program: Command): void {
  program
    .command('doors')
    .description(
      'what unproven datagrams cost the doors of a node and bring back, and how soon peers return through a flood',
    )
    .option('--json', 'print one JSON value')
    .option('--quick', 'fewer datagrams and peers')
    .action(({ json, quick }: Options) => {
      const size = quick ? 'quick' : 'whole'
      const doors = [...benchDoors(COUNT[size]), ...benchMoves()]
      const back = benchReturn(PEERS[size])
      const isGood = doors.every(({ ratio, bound }) => ratio <= bound) && back.allBackSeconds <= BACK_WITHIN_S
      console.log(
        json
          ? JSON.stringify({ doors, return: back, isGood })
          : [...doors.map(line), JSON.stringify(back)].join('\n'),
      )
      if (!isGood) process.exitCode = 1
    })
}

const line = ({ door, datagram, cpuMicroseconds, ratio, bound }: DoorResult): string =>
  `${door.padEnd(11)}${datagram.padEnd(40)}${cpuMicroseconds.toFixed(1).padStart(8)} us ${ratio.toFixed(2).padStart(7)} of ${bound.toFixed(2)}`
