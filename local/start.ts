/** `npm start`: runs the whole system on this machine until it is stopped. */
import { isIP } from 'node:net'
import { Command, InvalidArgumentError } from 'commander'
import { escapeLine } from '../cli/escape.ts'
import { failureOf } from '../cli/failures.ts'
import { onOrphaned } from '../cli/life.ts'
import { thisMachine } from './engine-choice.ts'
import { offerEngine, surroundings } from './engine-offer.ts'
import { type SystemOptions, startSystem } from './system.ts'

const DEFAULT_DATA = '.straightway'

interface Flags {
  readonly data: string
  readonly fresh?: true
  readonly addresses?: readonly string[]
  readonly ipv6?: readonly string[]
  readonly http?: { readonly host: string; readonly port: number }
  readonly json?: true
}

const program = new Command('npm start --')
  .description(
    'Runs INDEX, two nodes (CHECKPOINT, HANDSHAKE, STUN) and a relay on this machine, and stays up.',
  )
  .option('--data <dir>', 'where users, keys and messages are kept', DEFAULT_DATA)
  .option('--fresh', 'forget what was kept')
  .option(
    '--addresses <ip,ip,..>',
    'two addresses of the nodes, and one of the relay if it has its own (default 127.0.0.1,127.0.0.2)',
    addresses,
  )
  .option('--ipv6 <ip,ip,..>', 'IPv6 addresses that they have too, in the same order', addresses)
  .option('--http <host:port>', 'where INDEX and the gateway listen (default 127.0.0.1:8787)', endpoint)
  .option('--json', 'print one line {index, websocket, nodes, relays, adminKey, invite} when ready')
  .action(run)

await program.parseAsync().catch(fail)

async function run(flags: Flags): Promise<void> {
  const log = (line: string) => void process.stderr.write(`${line}\n`)
  const options: SystemOptions = { ...flags, log }
  if (!process.env.DYNAMODB_ENDPOINT) await offerEngine(surroundings(thisMachine(), log))
  const system = await startSystem(options)
  const stop = once(async () => {
    if (!flags.json) process.stdout.write('\nStopping: nodes say goodbye, data is kept.\n')
    await system.close()
    process.exit(0)
  })
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop)
  onOrphaned(stop)
  const { index, websocket, nodes, relays, adminKey, invite } = system
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ index, websocket, nodes, relays, adminKey, invite })}\n`)
  else process.stdout.write(told(system))
}

function told({
  index,
  websocket,
  nodes,
  relays,
  adminKey,
  invite,
  notes,
}: Awaited<ReturnType<typeof startSystem>>): string {
  const node = nodes.map(({ node, addresses }) => `${node}  ${Object.values(addresses).flat().join('  ')}`)
  const relay = relays.map(({ node, addresses }) => `${node}  ${addresses.relay?.join('  ')}`)
  return `
  INDEX      ${index}
  WebSocket  ${websocket}
  nodes      ${node.join('\n             ')}
  relay      ${relay.join('\n             ')}
  admin key  ${adminKey}
  invite     ${invite}
${notes.map((note) => `\n  ${note}\n`).join('')}
  Next, in another shell:
    npx straightway up --index ${index} --invite ${invite} --home /tmp/alice --name alice
    npx straightway find 'status eq "online"' --index ${index} --invite ${invite} --home /tmp/bob
    curl -H 'authorization: Bearer ${adminKey}' ${index}/v1/users

  Ctrl-C stops it.
`
}

function addresses(text: string): string[] {
  const list = text.split(',')
  if (![2, 3].includes(list.length) || list.some((ip) => isIP(ip) === 0)) {
    throw new InvalidArgumentError(
      'two or three IP addresses with commas between, for example 10.0.0.1,10.0.0.2',
    )
  }
  return list
}

function endpoint(text: string): { host: string; port: number } {
  const match = /^(.+):(\d{1,5})$/.exec(text)
  if (!match || Number(match[2]) > 65535)
    throw new InvalidArgumentError('an address and a port, for example 10.0.0.1:8787')
  return { host: match[1]!.replace(/^\[(.*)\]$/, '$1'), port: Number(match[2]) }
}

function once(act: () => Promise<void>): () => void {
  let begun = false
  return () => {
    if (begun) return
    begun = true
    void act()
  }
}

function fail(error: unknown): never {
  process.stderr.write(`${escapeLine(failureOf(error).detail)}\n`)
  process.exit(1)
}
