import type { Command } from 'commander'
import type { PresenceRecord } from '../peer/index.ts'
import { stopped, untilStopped } from './life.ts'
import { Names, pages, shownName } from './names.ts'
import { type CommonFlags, verb } from './options.ts'
import { note, print } from './output.ts'
import { recordLine } from './record-line.ts'
import { type Seat, whileSeated } from './seat.ts'

interface Flags extends CommonFlags {
  readonly watch?: true
}

export function presence(description: string): Command {
  return verb('presence', description)
    .option('--watch', 'go on: print everybody who comes, goes or changes')
    .action((flags: Flags) => whileSeated(flags, (seat) => run(seat, flags)))
}

async function run(seat: Seat, { json, watch }: Flags): Promise<void> {
  const names = new Names(seat.index)
  const tell = (record: PresenceRecord) => {
    const name = shownName(record)
    if (!stopped.aborted) print(json, { ...record, name }, recordLine(record, name))
  }
  const early: PresenceRecord[] = []
  const hear = (record: PresenceRecord) => void early.push(record)
  if (watch) {
    seat.events.on('presence', hear)
    await seat.watch()
  }
  const all = await pages((query) => seat.index.peers.list(query))
  const there = all.filter(({ presence, peer }) => presence.status !== 'offline' && peer !== seat.peer)
  for (const record of await Promise.all(there.map((each) => names.recordOf(each)))) tell(record)
  if (watch) {
    for (const record of early) tell(record)
    seat.events.off('presence', hear).on('presence', tell)
    await untilStopped()
  } else if (there.length === 0) note(json, 'nobody is there')
}
