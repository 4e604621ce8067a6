/** `straightway`: a peer on the command line. One file a verb. Exit codes: 0 done, 1 it failed, 2 called wrongly. */
import { Command, CommanderError } from 'commander'
import { doctor } from './doctor.ts'
import { find } from './find.ts'
import { forward } from './forward.ts'
import { message } from './message.ts'
import { fail } from './output.ts'
import { ping } from './ping.ts'
import { receive } from './receive.ts'
import { send } from './send.ts'
import { up } from './up.ts'

const program = new Command('straightway')
  .description('Find peers, write to them, and open direct tunnels to them.')
  .exitOverride()
  .configureHelp({ sortSubcommands: false })

for (const verb of [up, find, message, ping, send, receive, forward, doctor])
  program.addCommand(verb().exitOverride())

await program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  fail(error, process.argv.includes('--json'))
})
