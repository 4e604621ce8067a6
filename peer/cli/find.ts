import type { Command } from 'commander'
import { asPeer, type CommonFlags, countArgument, verb } from './options.ts'
import { print, recordLine } from './output.ts'

export function find(): Command {
  return verb('find', 'Find peers of your networks by a SCIM filter.')
    .argument('[filter]', 'for example: status eq "online" and metadata.game eq "chess"', 'peer pr')
    .option('--limit <n>', 'at most so many', countArgument, 20)
    .action((filter: string, flags: CommonFlags & { limit: number }) =>
      asPeer(flags, (peer) => run(peer, filter, flags)),
    )
}

async function run(
  peer: Parameters<Parameters<typeof asPeer>[1]>[0],
  filter: string,
  { json, limit }: CommonFlags & { limit: number },
): Promise<void> {
  const found = await peer.find(filter, { limit })
  if (json) print(json, found, undefined)
  else for (const record of found) print(json, record, recordLine(record))
  if (!json && found.length === 0) process.stderr.write('nobody\n')
}
