import type { Command } from 'commander'
import { Option } from 'commander'
import { StraightwayError } from '../shared/errors.ts'
import type { Role } from '../shared/resources.ts'
import { Names } from './names.ts'
import { type CommonFlags, countArgument, indexOf, spanArgument, verb } from './options.ts'
import { print } from './output.ts'
import { type Seat, withSeat } from './seat.ts'

interface Flags extends CommonFlags {
  readonly role: Role
  readonly uses: number
  readonly valid?: number
  readonly device?: true
}

export function invite(description: string): Command {
  return verb('invite', description)
    .argument('[network]', 'its name or id; not needed when you are in one')
    .addOption(
      new Option('--role <role>', 'what they may do').choices(['guest', 'member', 'admin']).default('member'),
    )
    .option('--uses <n>', 'how many may use it', countArgument, 1)
    .option('--valid <time>', 'for how long, for example 30m, 12h or 7d (default: 7d)', spanArgument)
    .option('--device', 'for a further device of yours, which becomes a peer of your user')
    .action((network: string | undefined, flags: Flags) =>
      withSeat(flags, (seat) => run(seat, network, flags)),
    )
}

async function run(seat: Seat, asked: string | undefined, flags: Flags): Promise<void> {
  const { json, role, uses, valid, device, home } = flags
  const { network, name } = await new Names(seat.index).networkOf(asked)
  const made = await seat.index.invites
    .create(network, {
      ...(device ? { user: seat.user } : { role }),
      uses,
      ...(valid !== undefined && { validMs: valid }),
    })
    .catch((error: unknown) => {
      throw mayNot(error, name)
    })
  const { code, invite, expiresAt } = made
  const command = `npx straightway up --index ${await indexOf(flags.index, home)} --invite ${code}`
  print(json, { code, invite, network, uses, expiresAt, ...(device ? { user: seat.user } : { role }) }, [
    code,
    `${device ? 'your other device' : `into ${name}`}, until ${new Date(expiresAt).toISOString()}: ${command} --name NAME`,
  ])
}

function mayNot(error: unknown, network: string): unknown {
  if (!(error instanceof StraightwayError) || error.code !== 'forbidden') return error
  return new StraightwayError(
    'forbidden',
    `You may not invite into ${network} like this: ask its owner, or make a network of your own (\`straightway networks --create NAME\`).`,
    { cause: error },
  )
}
