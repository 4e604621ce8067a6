import type { Command } from 'commander'
import type { PeerId } from '../../shared/ids.ts'
import { asPeer, type CommonFlags, peerArgument, verb } from './options.ts'
import { print } from './output.ts'

export function message(): Command {
  return verb('message', 'Send a message; a peer that is away gets it when it is back.')
    .argument('<peer>', 'to whom', peerArgument)
    .argument('<text>', 'at most 1,024 bytes')
    .action((to: PeerId, text: string, flags: CommonFlags) =>
      asPeer(flags, async (peer) => {
        const outcome = await peer.send(to, text)
        print(flags.json, { to, outcome }, outcome)
      }),
    )
}
