import type { Command } from 'commander'
import type { PresenceRecord } from '../../shared/presence.ts'
import { Names } from './names.ts'
import { type CommonFlags, countArgument, verb } from './options.ts'
import { note, print } from './output.ts'
import { recordLine } from './record-line.ts'
import { type Seat, withSeat } from './seat.ts'

interface Flags extends CommonFlags {
  readonly limit: number
}

export function find(description: string): Command {
  return verb('find', description)
    .argument(
      '[filter]',
      'a name, or for example: status eq "online" and metadata.game eq "chess"',
      'peer pr',
    )
    .option('--limit <n>', 'print at most that many', countArgument, 20)
    .action((filter: string, flags: Flags) => withSeat(flags, (seat) => run(seat, filter, flags)))
}

async function run(seat: Seat, asked: string, { json, limit }: Flags): Promise<void> {
  const names = new Names(seat.index)
  const found = await sought(seat, names, asked, limit)
  const named = await Promise.all(
    found.map(async (record) => ({ ...record, name: await names.nameOf(record.peer) })),
  )
  if (json) print(json, named)
  else for (const record of named) print(json, record, recordLine(record, record.name))
  if (named.length === 0) note(json, 'nobody')
}

/** One word is a name; a filter has at least two. */
async function sought(seat: Seat, names: Names, asked: string, limit: number): Promise<PresenceRecord[]> {
  if (/\s/.test(asked)) return seat.find(asked, { limit })
  return (await names.peersCalled(asked)).slice(0, limit)
}
