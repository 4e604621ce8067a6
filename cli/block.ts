import type { Command } from 'commander'
import type { PeerId, UserId } from '../shared/ids.ts'
import { isPeerId } from '../shared/ids.ts'
import { Names } from './names.ts'
import { type CommonFlags, verb, whoArgument, whoHelp } from './options.ts'
import { note, print } from './output.ts'
import { type Seat, withSeat } from './seat.ts'

export function block(description: string): Command {
  return verb('block', description)
    .argument('[who]', `${whoHelp}; a name means the user with all of its peers`, whoArgument)
    .action((who: string | undefined, flags: CommonFlags) =>
      withSeat(flags, (seat) =>
        who === undefined ? list(seat, flags) : set(seat, who, { flags, on: true }),
      ),
    )
}

export function unblock(description: string): Command {
  return verb('unblock', description)
    .argument('<who>', whoHelp, whoArgument)
    .action((who: string, flags: CommonFlags) =>
      withSeat(flags, (seat) => set(seat, who, { flags, on: false })),
    )
}

async function list(seat: Seat, { json }: CommonFlags): Promise<void> {
  const names = new Names(seat.index)
  const { items } = await seat.index.users.blocks(seat.user)
  if (json) print(json, items)
  else for (const each of items) print(json, {}, await label(names, each))
  if (items.length === 0) note(json, 'nobody')
}

async function set(
  { index, user }: Seat,
  who: string,
  { flags, on }: { flags: CommonFlags; on: boolean },
): Promise<void> {
  const names = new Names(index)
  const blocked = await names.subjectOf(who)
  if (on) await index.users.block(user, blocked)
  else await index.users.unblock(user, blocked)
  print(
    flags.json,
    { blocked, on },
    `${on ? 'blocked' : 'no longer blocked'}: ${await label(names, blocked)}`,
  )
}

const label = async (names: Names, id: PeerId | UserId): Promise<string> =>
  isPeerId(id) ? names.label(id as PeerId) : `${await names.userName(id as UserId)} (${id})`
