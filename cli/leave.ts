import type { Command } from 'commander'
import { Names } from './names.ts'
import { type CommonFlags, verb } from './options.ts'
import { print } from './output.ts'
import { withSeat } from './seat.ts'

export function leave(description: string): Command {
  return verb('leave', description)
    .argument('<network>', 'its name or id')
    .action((asked: string, flags: CommonFlags) =>
      withSeat(flags, async ({ index, user }) => {
        const { network, name } = await new Names(index).networkOf(asked)
        await index.members.delete(network, user)
        print(flags.json, { left: network, name }, `left ${name}`)
      }),
    )
}
