import { existsSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { PeerId } from '../../shared/ids.ts'
import type { Peer } from '../peer.ts'
import { sendFile } from '../services/file.ts'
import { INTENT } from '../services/services.ts'
import { asPeer, type CommonFlags, type PathFlags, pathsOption, peerArgument, verb } from './options.ts'
import { ProgressBar, print } from './output.ts'

type Flags = CommonFlags & PathFlags

export function send(): Command {
  return verb('send', 'Send a file to a peer that runs `receive` or `up --receive`.')
    .argument('<peer>', 'to whom', peerArgument)
    .argument('<file>', 'what', fileArgument)
    .addOption(pathsOption())
    .action((to: PeerId, file: string, flags: Flags) => asPeer(flags, (peer) => run(peer, to, file, flags)))
}

async function run(peer: Peer, to: PeerId, file: string, { json, paths }: Flags): Promise<void> {
  const socket = await peer.connect(to, { intent: INTENT.file, paths })
  const bar = new ProgressBar(basename(file), json)
  const { name, size, sha256 } = await sendFile(socket, file, bar.show)
  bar.end()
  const { path } = socket
  const mbps = bar.mbps(size)
  print(
    json,
    { to, name, bytes: size, sha256, sha256Equal: true, path, mbps },
    `${name}: ${size} bytes, ${path}, ${mbps} Mbit/s, SHA-256 equal`,
  )
  socket.close()
}

function fileArgument(path: string): string {
  if (existsSync(path) && statSync(path).isFile()) return path
  throw new InvalidArgumentError('No such file.')
}
