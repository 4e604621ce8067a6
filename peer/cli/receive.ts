import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import type { Command } from 'commander'
import { StraightwayError } from '../../shared/errors.ts'
import type { Offer } from '../offer.ts'
import { receiveFile } from '../services/file.ts'
import { INTENT } from '../services/services.ts'
import { type CommonFlags, joinAs, untilStopped, verb } from './options.ts'
import { ProgressBar, print } from './output.ts'

const NOTHING_CAME = 'The other side ended the tunnel before it sent a file: ask it to send again.'

interface Flags extends CommonFlags {
  readonly dir: string
  readonly many?: true
}

export function receive(): Command {
  return verb('receive', 'Wait for a file of a peer of your networks.')
    .option('--dir <dir>', 'where it goes', '.')
    .option('--many', 'go on after the first file')
    .action(run)
}

async function run(flags: Flags): Promise<void> {
  const { json, many } = flags
  const peer = await joinAs(flags)
  print(json, { event: 'online', peer: peer.peer }, `waiting as ${peer.peer}`)
  const tellFault = ({ message }: Error) =>
    print(json, { event: 'error', detail: message }, `error: ${message}`)
  const received = new Promise<void>((resolve, reject) => {
    peer.on('offer', (offer) => {
      if (offer.intent !== INTENT.file) return offer.refuse('not-served')
      take(offer, flags).then(many ? undefined : resolve, many ? tellFault : reject)
    })
  })
  try {
    await Promise.race([received, untilStopped()])
  } finally {
    await peer.close()
  }
}

async function take(offer: Offer, { dir, json }: Flags): Promise<void> {
  const socket = await offer.accept()
  const gone = once(socket, 'close').then(() => {
    throw new StraightwayError('closed', NOTHING_CAME)
  })
  const [stream] = (await Promise.race([once(socket, 'stream'), gone])) as [Duplex]
  const ended = once(stream, 'close').catch(() => {})
  const bar = new ProgressBar('receiving', json)
  const { name, size, sha256, path } = await receiveFile(stream, dir, bar.show)
  bar.end()
  const facts = { event: 'file', from: offer.from, name, bytes: size, sha256, sha256Equal: true, path }
  print(json, facts, `${path}: ${size} bytes, SHA-256 equal`)
  await ended
}
