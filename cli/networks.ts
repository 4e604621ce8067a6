import type { Command } from 'commander'
import { StraightwayError } from '../shared/errors.ts'
import { Names, pages } from './names.ts'
import { type CommonFlags, verb } from './options.ts'
import { note, print } from './output.ts'
import { type Seat, withSeat } from './seat.ts'

interface Flags extends CommonFlags {
  readonly create?: string
}

export function networks(description: string): Command {
  return verb('networks', description)
    .option('--create <name>', 'create a network, whose owner you are')
    .action((flags: Flags) => withSeat(flags, (seat) => run(seat, flags)))
}

async function run(seat: Seat, { json, create }: Flags): Promise<void> {
  if (create !== undefined) {
    const { network, name } = await seat.index.networks.create({ name: create })
    print(json, { network, name, role: 'owner' }, `${network}  owner   ${name}`)
    return
  }
  const all = await new Names(seat.index).networks()
  const mine = await Promise.all(
    all.map(async ({ network, name }) => ({ network, name, role: await roleIn(seat, network) })),
  )
  if (json) print(json, mine)
  else for (const { network, name, role } of mine) print(json, {}, `${network}  ${role.padEnd(6)}  ${name}`)
  if (mine.length === 0) note(json, 'none: an invite brings you into one, and --create makes one')
}

/** Role of our user in a network; empty if it is not among the first members of a large network. */
async function roleIn(
  { index, user }: Seat,
  network: Parameters<Seat['index']['members']['list']>[0],
): Promise<string> {
  try {
    const members = await pages((query) => index.members.list(network, query))
    return members.find((each) => each.user === user)?.role ?? ''
  } catch (error) {
    if (error instanceof StraightwayError) return ''
    throw error
  }
}
