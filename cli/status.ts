import type { Command } from 'commander'
import { Argument } from 'commander'
import { StraightwayError } from '../shared/errors.ts'
import type { OwnStatus } from '../shared/wire/presence.ts'
import { Names } from './names.ts'
import { type CommonFlags, homeVerb } from './options.ts'
import { print } from './output.ts'

const STATUSES = ['online', 'away', 'busy', 'invisible'] as const

interface Flags extends CommonFlags {
  readonly text?: string
}

export function status(description: string): Command {
  return homeVerb('status', description)
    .addArgument(new Argument('[status]', 'what others see from now on').choices(STATUSES))
    .option('--text <text>', 'beside it, at most 128 bytes')
    .action(run)
}

async function run(wanted: OwnStatus | undefined, { home, json, text }: Flags): Promise<void> {
  const { RemotePeer } = await import('./daemon/remote-peer.ts')
  const there = await RemotePeer.open(home)
  if (there === undefined) {
    if (wanted !== undefined || text !== undefined)
      throw new StraightwayError(
        'conflict',
        'A status lasts while the peer is online: start `straightway up` first.',
      )
    print(json, { up: false }, 'not up')
    return
  }
  try {
    if (wanted !== undefined || text !== undefined)
      await there.setStatus(wanted ?? (there.facts.status as OwnStatus), text ?? there.facts.custom)
    const { client: _, ...facts } = await there.self()
    const names = new Names(there.index)
    const tunnels = await Promise.all(
      facts.tunnels.map(
        async ({ peer, intent, path }) => `tunnel  ${await names.label(peer)} ${intent} ${path}`,
      ),
    )
    print(json, { up: true, ...facts }, [
      `up      ${await names.label(facts.peer)}`,
      `state   ${facts.state}${facts.udpBlocked ? ', without UDP' : ''}`,
      `shown   ${[facts.status, facts.custom].filter(Boolean).join(', ')}`,
      `INDEX   ${facts.index}`,
      `process ${facts.pid}, since ${new Date(facts.startedAt).toISOString()}`,
      ...tunnels,
    ])
  } finally {
    await there.close()
  }
}
