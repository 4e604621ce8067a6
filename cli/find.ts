import type { Command } from 'commander'
import type { PresenceRecord } from '../peer/index.ts'
import { Names, shownName } from './names.ts'
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
  const found = await sought(seat, asked, limit)
  const named = found.map((record) => ({ ...record, name: shownName(record) }))
  if (json) print(json, named)
  else for (const record of named) print(json, record, recordLine(record, record.name))
  if (named.length === 0) note(json, 'nobody')
}

/** Finds peers by a name (one word) or a filter (at least two words). */
async function sought(seat: Seat, asked: string, limit: number): Promise<PresenceRecord[]> {
  if (/\s/.test(asked)) return seat.find(asked, { limit })
  return (await new Names(seat.index).peersCalled(asked)).slice(0, limit)
}
