import type { Command } from 'commander'
import { Names, pages } from './names.ts'
import { type CommonFlags, verb } from './options.ts'
import { print } from './output.ts'
import { type Seat, withSeat } from './seat.ts'

export function members(description: string): Command {
  return verb('members', description)
    .argument('[network]', 'its name or id; not needed when you are in one')
    .action((network: string | undefined, flags: CommonFlags) =>
      withSeat(flags, (seat) => run(seat, network, flags)),
    )
}

async function run(seat: Seat, asked: string | undefined, { json }: CommonFlags): Promise<void> {
  const { network } = await new Names(seat.index).networkOf(asked)
  const all = await pages((query) => seat.index.members.list(network, query))
  if (json) print(json, all)
  else
    for (const { user, name, role, presence } of all)
      print(json, {}, [user, role.padEnd(6), presence.status.padEnd(7), name].join('  '))
}
