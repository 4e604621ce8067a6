import type { Command } from 'commander'
import { InvalidArgumentError, Option } from 'commander'
import type { Metadata } from '../../shared/presence.ts'
import type { Offer } from '../offer.ts'
import type { Peer } from '../peer.ts'
import { isServed, type Serving, serve } from '../services/services.ts'
import { type CommonFlags, joinAs, portArgument, untilStopped, verb } from './options.ts'
import { print, recordLine } from './output.ts'

interface Flags extends CommonFlags {
  readonly accept: string
  readonly metadata?: Metadata
  readonly receive?: string
  readonly expose?: readonly number[]
}

export function up(): Command {
  return verb('up', 'Stay online: answer offers, print what happens.')
    .option(
      '--accept <rule>',
      '`network`: peers of your networks, `none`, or peer ids with commas',
      'network',
    )
    .option('--metadata <json>', 'what others may find you by', metadataArgument)
    .option('--receive <dir>', 'take files into this directory')
    .addOption(
      new Option('--expose <port>', 'let others reach this TCP port of yours; may be repeated').argParser(
        (text: string, before: readonly number[] = []) => [...before, portArgument(text)],
      ),
    )
    .action(run)
}

async function run(flags: Flags): Promise<void> {
  const { json, metadata } = flags
  const peer = await joinAs(flags, metadata && { metadata })
  const { user, networks } = peer
  print(json, { event: 'online', peer: peer.peer, user, networks }, `online as ${peer.peer}\n(Ctrl-C leaves)`)
  tell(peer, json)
  peer.on('offer', (offer) => decide(offer, flags))
  await untilStopped()
  await peer.close()
  print(json, { event: 'left' }, 'left')
}

function tell(peer: Peer, json: true | undefined): void {
  peer.on('message', ({ from, text, sentAt }) =>
    print(json, { event: 'message', from, text, sentAt }, `${from}: ${text}`),
  )
  peer.on('presence', (record) => print(json, { event: 'presence', ...record }, recordLine(record)))
  peer.on('change', (change) =>
    print(json, { event: 'change', ...change }, `changed: ${JSON.stringify(change)}`),
  )
  peer.on('state', (state, why) =>
    print(json, { event: 'state', state, why }, why ? `${state}: ${why}` : state),
  )
  peer.on('error', ({ code, message }) =>
    print(json, { event: 'error', code, detail: message }, `error: ${message}`),
  )
}

function decide(offer: Offer, flags: Flags): void {
  const { from, intent } = offer
  const reason = refusalOf(offer, flags)
  const { json } = flags
  if (reason !== undefined) {
    print(
      json,
      { event: 'offer', from, intent, refused: reason },
      `${from} offered ${intent}: refused, ${reason}`,
    )
    offer.refuse(reason)
    return
  }
  print(json, { event: 'offer', from, intent, accepted: true }, `${from} offered ${intent}: accepted`)
  accept(offer, flags).catch(({ code, message }) =>
    print(json, { event: 'error', code, detail: message }, `error: ${message}`),
  )
}

async function accept(offer: Offer, flags: Flags): Promise<void> {
  const { json } = flags
  const { from } = offer
  const socket = await offer.accept()
  serve(socket, offer.intent, {
    ...servingOf(flags),
    onFile: (file) =>
      print(json, { event: 'file', from, ...file }, `${from} sent ${file.path} (${file.size} bytes)`),
    onFault: ({ message }) => print(json, { event: 'error', detail: message }, `error: ${message}`),
  })
  socket.on('path', (path, whyNotDirect) =>
    print(json, { event: 'path', peer: from, path, whyNotDirect }, `${from} ${path}`),
  )
  socket.on('close', (end) => print(json, { event: 'closed', peer: from, end }, `${from} closed`))
}

/** Only peers of our networks can offer at all. */
function refusalOf({ from, intent }: Offer, flags: Flags): string | undefined {
  const { accept } = flags
  if (accept === 'none' || (accept !== 'network' && !accept.split(',').includes(from))) return 'not-allowed'
  return isServed(intent, servingOf(flags)) ? undefined : 'not-served'
}

function servingOf({ expose, receive }: Flags): Serving {
  return { ...(expose && { expose }), ...(receive !== undefined && { receive }) }
}

function metadataArgument(text: string): Metadata {
  const metadata = jsonOf(text)
  if (typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata))
    return metadata as Metadata
  throw new InvalidArgumentError(`Not a JSON object, as for example '{"game":"chess"}'.`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
