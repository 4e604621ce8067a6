/**
 * The command `straightway`: a peer on the command line. Each verb has its own file. Exit codes: 0 success, 1 failure,
 * 2 wrong usage.
 */
import { Command, CommanderError } from 'commander'
import { escapeLine } from './escape.ts'
import { fail } from './failures.ts'
import { stopReason, watchLife } from './life.ts'
import { watchOutput } from './output.ts'
import { VERBS } from './verbs.ts'
import { version } from './version.ts'

process.on('uncaughtException', end).on('unhandledRejection', end)
watchOutput()
watchLife()

const program = new Command('straightway')
  .description('Find peers, write to them, and open direct tunnels to them.')
  .version(version(), '--version', 'print the version')
  .addHelpText('after', '\nExit codes: 0 done, 1 it failed, 2 called wrongly.')
  .configureHelp({ sortSubcommands: false })

// Only the requested verb is loaded, so that help appears immediately.
const wanted = process.argv.slice(2).find((each) => each !== 'help' && !each.startsWith('-'))
for (const { name, description, load } of VERBS)
  program.addCommand(name === wanted ? await load() : new Command(name).description(description))
for (const command of [program, ...program.commands, ...program.commands.flatMap((each) => each.commands)])
  command.exitOverride().configureOutput({
    writeErr: (text) => process.stderr.write(`${text.trimEnd().split('\n').map(escapeLine).join('\n')}\n`),
  })

await program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else if (stopReason() !== 'output') fail(error, process.argv.includes('--json'))
})

/** Handles uncaught errors. */
function end(error: unknown): void {
  if (stopReason() !== 'output') fail(error, process.argv.includes('--json'))
  process.exit()
}
