import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { INTENT } from '../serve/serve.ts'
import { forwardTcp } from '../serve/tcp.ts'
import { stopped, untilStopped } from './life.ts'
import { Names } from './names.ts'
import { type CommonFlags, type PathFlags, pathsOption, portArgument, verb, whoArgument } from './options.ts'
import { print } from './output.ts'
import { type Seat, whileSeated } from './seat.ts'

interface Place {
  readonly who: string
  readonly port: number
}

type Flags = CommonFlags & PathFlags

export function forward(description: string): Command {
  return verb('forward', description)
    .argument('<who:port>', 'whose port; that peer runs `up --expose PORT`', placeArgument)
    .argument('[local-port]', 'on 127.0.0.1; any free one without', portArgument)
    .addOption(pathsOption())
    .action((place: Place, localPort: number | undefined, flags: Flags) =>
      whileSeated(flags, (seat) => run(seat, place, localPort ?? 0, flags)),
    )
}

async function run(
  seat: Seat,
  { who, port: remotePort }: Place,
  localPort: number,
  flags: Flags,
): Promise<void> {
  const { json, paths } = flags
  const names = new Names(seat.index)
  const to = await names.peerOf(who)
  const tunnel = () => seat.connect(to, { intent: INTENT.tcp, paths, signal: stopped })
  const onFault = ({ message }: Error) =>
    print(json, { event: 'error', detail: message }, `error: ${message}`)
  const { port, close } = await forwardTcp({ tunnel, remotePort, localPort, onFault })
  print(
    json,
    { event: 'listening', host: '127.0.0.1', port, peer: to, remotePort },
    `127.0.0.1:${port} is port ${remotePort} of ${await names.label(to)} (Ctrl-C ends it)`,
  )
  await untilStopped()
  await close()
}

function placeArgument(text: string): Place {
  const at = text.lastIndexOf(':')
  if (at <= 0) throw new InvalidArgumentError('A name or a key, a colon and a port.')
  return { who: whoArgument(text.slice(0, at)), port: portArgument(text.slice(at + 1)) }
}
