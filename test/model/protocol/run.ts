/**
 * `npm run model -- [--whole] [--json]`: explores the model of the message protocol within its bounds, and shows that each
 * deliberate mistake is found. The exit code is 1 if a bound has a violation, or a mistake is not found.
 */
import { parseArgs } from 'node:util'
import { BOUNDS, type Bound, MISTAKES, WHOLE } from './bounds.ts'
import { Checker, type Exploration, missingTools } from './checker.ts'

const HELP = `npm run model -- [options]
  --whole  larger bounds as well: hours
  --json   print one JSON value

Needs spin and gcc (Debian: apt install spin gcc).`

const { values } = parseArgs({
  options: {
    whole: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

async function explore(): Promise<number> {
  const checker = new Checker()
  try {
    say('making the checker')
    await checker.compile()
    const bounds = []
    for (const bound of values.whole ? [...BOUNDS, ...WHOLE] : BOUNDS) {
      const found = await checker.explore(bound)
      say(`${textOf(bound)}: ${found.states.toLocaleString('en')} states, ${outcomeOf(found)}`)
      for (const step of found.violation?.steps ?? []) say(`  ${step}`)
      bounds.push({ bound, ...found })
    }
    const mistakes = []
    for (const { mistake, is, bound } of MISTAKES) {
      const { violation } = await checker.explore(bound, mistake)
      say(`mistake: ${is}: ${violation ? `found, ${violation.assertion}` : 'NOT FOUND'}`)
      mistakes.push({ is, isFound: violation !== undefined })
    }
    const isGood =
      bounds.every((each) => each.isComplete && each.violation === undefined) &&
      mistakes.every(({ isFound }) => isFound)
    if (values.json) console.log(JSON.stringify({ bounds, mistakes }))
    return isGood ? 0 : 1
  } finally {
    checker.remove()
  }
}

const outcomeOf = ({ isComplete, violation }: Exploration): string =>
  violation ? `VIOLATION: ${violation.assertion}` : isComplete ? 'no violation' : 'NOT COMPLETE'

const textOf = (bound: Bound): string =>
  Object.entries({ messages: 2, ...bound })
    .map(([word, count]) => `${word} ${count}`)
    .join(', ')

/** Progress goes to stderr, so that stdout has only the JSON. */
function say(text: string): void {
  if (values.json) console.error(text)
  else console.log(text)
}

const missing = missingTools()
if (values.help) console.log(HELP)
else if (missing.length > 0) {
  console.error(
    `The model was not explored: ${missing.join(' and ')} missing (Debian: apt install ${missing.join(' ')}).`,
  )
  process.exitCode = process.env.CI ? 1 : 0
} else process.exitCode = await explore()
