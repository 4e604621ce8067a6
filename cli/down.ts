import type { Command } from 'commander'
import { type CommonFlags, homeVerb } from './options.ts'
import { note, print } from './output.ts'

export function down(description: string): Command {
  return homeVerb('down', description).action(run)
}

async function run({ home, json }: CommonFlags): Promise<void> {
  const { RemotePeer } = await import('./daemon/remote-peer.ts')
  const there = await RemotePeer.open(home)
  if (there === undefined) {
    if (json) print(json, { down: false })
    else note(json, 'not up')
    return
  }
  await there.stop()
  await there.close()
  print(json, { down: true, pid: there.facts.pid }, 'left')
}
