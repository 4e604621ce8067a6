/**
 * `npm run style`: says how far the sources keep the rules that no linter knows. The exit code is 1 unless every rule of the
 * shape and of the prose holds. Sizes are what most of the code keeps. `--shape` leaves prose and sizes out.
 */
import { Command } from 'commander'
import { prose } from './prose.ts'
import { type Finding, shape } from './shape.ts'
import { sizes } from './sizes.ts'

const program = new Command('npm run style --')
  .description('Says how far the sources keep the rules that no linter knows.')
  .option('--shape', 'only sizes of classes and of the SDK, circles of imports, clients of their own, loops')
  .action(({ shape: isOnlyShape }: { readonly shape?: true }) => {
    const rules = isOnlyShape ? shape() : [...shape(), ...prose()]
    print(rules, 'no ')
    if (!isOnlyShape) print(sizes(), '-  ')
    if (rules.some(({ violations }) => violations.length > 0)) process.exitCode = 1
  })

program.parse()

function print(findings: readonly Finding[], broken: string): void {
  for (const { rule, is, violations } of findings) {
    process.stdout.write(`${violations.length === 0 ? 'yes' : broken}  ${rule} (${is})\n`)
    for (const violation of violations) process.stdout.write(`       ${violation}\n`)
  }
}
