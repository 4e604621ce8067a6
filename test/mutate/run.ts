/** `npm run mutate -- --sample 300 --seed 1`: plants small faults in the product, one at a time, and says which ones no test notices. */
import { Command, InvalidArgumentError } from 'commander'
import { lineOf } from './mutants.ts'
import { type Drawn, sample, textOf } from './sample.ts'
import { mayLive } from './survivors.ts'
import { Trial } from './trial.ts'

const LEAST_KILLED = 0.9

interface Options {
  readonly sample: number
  readonly seed: string
  readonly under: string
  readonly list?: true
  readonly json?: true
}

const program = new Command('npm run mutate --')
  .description('Plants small faults in the product, one at a time, and says which ones no test notices.')
  .option('--sample <n>', 'number of faults', count, 50)
  .option('--seed <seed>', 'other faults', '1')
  .option('--under <path>', 'only faults below this folder or in this file', '')
  .option('--list', 'only name the faults')
  .option('--json', 'print one JSON value')
  .addHelpText(
    'after',
    `\nEach fault takes the time of the tests that import its module, often half a minute. The exit code is 1 if fewer than nine in ten are noticed.`,
  )
  .action(run)

await program.parseAsync()

async function run(options: Options): Promise<void> {
  const drawn = sample(options.sample, options.seed, options.under)
  if (drawn.length === 0)
    program.error(`No code below ${options.under}: name a folder or file of the product.`)
  if (options.list) {
    for (const fault of drawn) console.log(described(fault))
    return
  }
  const lived = await survivors(drawn)
  const unexplained = lived.filter((fault) => !mayLive(fault))
  const killed = drawn.length - lived.length
  const share = 1 - unexplained.length / drawn.length
  if (options.json)
    console.log(JSON.stringify({ faults: drawn.length, killed, share, lived: unexplained.map(described) }))
  else console.log(`${killed} of ${drawn.length} noticed; ${lived.length - unexplained.length} may live`)
  if (share < LEAST_KILLED) process.exitCode = 1
}

async function survivors(drawn: readonly Drawn[]): Promise<Drawn[]> {
  const trial = new Trial()
  process.once('SIGINT', () => {
    trial.close()
    process.exit(130)
  })
  const lived: Drawn[] = []
  try {
    for (const [i, fault] of drawn.entries()) {
      const killer = await trial.killer(fault)
      if (killer === undefined) lived.push(fault)
      console.error(
        `${i + 1}/${drawn.length} ${killer === undefined ? 'LIVES ' : 'killed'} ${described(fault)}`,
      )
    }
  } finally {
    trial.close()
  }
  return lived
}

/** Returns a fault as `file:line  text -> text`. */
function described({ file, mutant }: Drawn): string {
  const text = textOf(file)
  const line = lineOf(text, mutant.start)
  const from = mutant.from.replaceAll(/\s+/g, ' ')
  return `${file}:${line}  ${from.slice(0, 80)} -> ${mutant.to === '' ? '(nothing)' : mutant.to}`
}

function count(text: string): number {
  const n = Number(text)
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError('It is a whole number from 1.')
  return n
}
