/** `npm run style -- --shape`: prints the shape of the client. The exit code is 1 unless every rule holds. */
import { Command } from 'commander'
import { shape } from './shape.ts'

const program = new Command('npm run style --')
  .description('Says how far the sources keep the rules that no linter knows.')
  .requiredOption(
    '--shape',
    'sizes of classes and of the SDK, circles of imports, clients of their own, loops',
  )
  .action(() => {
    const findings = shape()
    for (const { rule, is, violations } of findings) {
      process.stdout.write(`${violations.length === 0 ? 'yes' : 'no '}  ${rule} (${is})\n`)
      for (const violation of violations) process.stdout.write(`       ${violation}\n`)
    }
    if (findings.some(({ violations }) => violations.length > 0)) process.exitCode = 1
  })

program.parse()
