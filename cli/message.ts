import type { Command } from 'commander'
import { isPeerId, type PeerId } from '../shared/ids.ts'
import { Names } from './names.ts'
import { type CommonFlags, verb, whoArgument, whoHelp } from './options.ts'
import { print } from './output.ts'
import { withSeat } from './seat.ts'

export function message(description: string): Command {
  return verb('message', description)
    .argument('<who>', `${whoHelp}; the name of a user means all of its peers`, whoArgument)
    .argument('<text>', 'at most 1,024 bytes')
    .action((who: string, text: string, flags: CommonFlags) =>
      withSeat(flags, async (seat) => {
        const names = new Names(seat.index)
        const to = await names.recipientOf(who)
        const outcome = await seat.send(to, text)
        const name = isPeerId(to) ? await names.nameOf(to as PeerId) : who
        print(flags.json, { to, outcome, ...(name && { name }) }, outcome)
      }),
    )
}
