import type { Command } from 'commander'
import { Names } from './names.ts'
import { type CommonFlags, indexOf, verb } from './options.ts'
import { print } from './output.ts'
import { withSeat } from './seat.ts'

export function whoami(description: string): Command {
  return verb('whoami', description).action((flags: CommonFlags) =>
    withSeat(flags, async ({ peer, user, index, isShared }) => {
      const names = new Names(index)
      const [name, networks] = await Promise.all([names.nameOf(peer), names.networks()])
      const { home, json } = flags
      const at = await indexOf(flags.index, home)
      print(
        json,
        { peer, user, name, networks: networks.map(({ network }) => network), index: at, home, up: isShared },
        [
          `name      ${name || '(none)'}`,
          `peer      ${peer}`,
          `user      ${user}`,
          `networks  ${networks.map(({ name, network }) => `${name} (${network})`).join(', ') || 'none'}`,
          `INDEX     ${at}`,
          `home      ${home}${isShared ? ', which is up' : ''}`,
        ],
      )
    }),
  )
}
