/**
 * `npm run fuzz -- [--minutes N] [--seed N] [--target NAME] [--json] [--keep]`: searches for inputs that make codecs and
 * machines throw or break a guarantee. `--keep` adds the inputs that reach something new to the corpus. The exit code is 1 if
 * there is a finding. Its line of hex belongs in the corpus, together with the fix.
 */
import { parseArgs } from 'node:util'
import { readCorpus, writeCorpus } from './corpus.ts'
import { loadCovered } from './coverage.ts'
import { Fuzzer, type FuzzResult } from './fuzzer.ts'
import type * as Targets from './targets.ts'

const HELP = `npm run fuzz -- [options]
  --minutes N    how long, all targets together (default 1)
  --seed N       other inputs (default 1)
  --target NAME  one target instead of all
  --json         print one JSON value
  --keep         write the inputs that reach something new into test/fuzz/corpus`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    target: { type: 'string' },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(HELP)
else process.exitCode = await fuzz()

async function fuzz(): Promise<number> {
  const minutes = Number(values.minutes)
  const { module, counters } = await loadCovered<typeof Targets>('test/fuzz/targets.ts')
  const { TARGETS } = module
  const names = Object.keys(TARGETS).filter((name) => name === (values.target ?? name))
  if (names.length === 0 || !(minutes > 0)) {
    console.error(
      names.length === 0 ? `No target ${values.target}: ${Object.keys(TARGETS).join(', ')}` : HELP,
    )
    return 2
  }
  const results = names.map((name) =>
    searched(name, TARGETS[name]!, counters, (minutes / names.length) * 60_000),
  )
  const executions = results.reduce((sum, result) => sum + result.executions, 0)
  const edges = results.reduce((sum, result) => sum + result.edges, 0)
  const findings = results.flatMap((result) => result.findings)
  if (values.json) console.log(JSON.stringify({ executions, edges, findings, targets: results }))
  else console.log(`${executions} executions, ${edges} edges, ${findings.length} findings`)
  return findings.length === 0 ? 0 : 1
}

function searched(
  name: string,
  target: (typeof Targets.TARGETS)[string],
  counters: Uint16Array,
  ms: number,
): FuzzResult {
  const fuzzer = new Fuzzer(name, target, counters, Number(values.seed))
  const end = performance.now() + ms
  fuzzer.learn([...target.seeds, ...readCorpus(name)])
  fuzzer.search(() => performance.now() < end)
  const { result } = fuzzer
  const { executions, edges, findings } = result
  if (values.keep)
    writeCorpus(name, [
      ...fuzzer.smallest(),
      ...findings.map(({ input }) => new Uint8Array(Buffer.from(input, 'hex'))),
    ])
  console.error(`${name}: ${executions} executions, ${edges} edges, ${findings.length} findings`)
  for (const { message, input } of findings) console.error(`  ${message}\n  ${input}`)
  return result
}
