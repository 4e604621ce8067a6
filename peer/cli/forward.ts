import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { PeerId } from '../../shared/ids.ts'
import type { Peer } from '../peer.ts'
import { INTENT } from '../services/services.ts'
import { forwardTcp } from '../services/tcp.ts'
import {
  asPeer,
  type CommonFlags,
  type PathFlags,
  pathsOption,
  peerArgument,
  portArgument,
  untilStopped,
  verb,
} from './options.ts'
import { print } from './output.ts'

interface Place {
  readonly peer: PeerId
  readonly port: number
}

type Flags = CommonFlags & PathFlags

export function forward(): Command {
  return verb('forward', 'Make a TCP port of another peer appear on a port of this machine.')
    .argument('<peer:port>', 'whose port; that peer runs `up --expose PORT`', placeArgument)
    .argument('[local-port]', 'on 127.0.0.1; any free one without', portArgument)
    .addOption(pathsOption())
    .action((place: Place, localPort: number | undefined, flags: Flags) =>
      asPeer(flags, (peer) => run(peer, place, localPort ?? 0, flags)),
    )
}

async function run(
  peer: Peer,
  { peer: to, port: remotePort }: Place,
  localPort: number,
  { json, paths }: Flags,
): Promise<void> {
  const tunnel = () => peer.connect(to, { intent: INTENT.tcp, paths })
  const onFault = ({ message }: Error) =>
    print(json, { event: 'error', detail: message }, `error: ${message}`)
  const { port, close } = await forwardTcp({ tunnel, remotePort, localPort, onFault })
  print(
    json,
    { event: 'listening', host: '127.0.0.1', port, peer: to, remotePort },
    `127.0.0.1:${port} is port ${remotePort} of ${to} (Ctrl-C ends it)`,
  )
  await untilStopped()
  await close()
}

function placeArgument(text: string): Place {
  const [peer, port, ...rest] = text.split(':')
  if (peer === undefined || port === undefined || rest.length > 0)
    throw new InvalidArgumentError('A peer id, a colon and a port.')
  return { peer: peerArgument(peer), port: portArgument(port) }
}
