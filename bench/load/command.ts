import type { Command } from 'commander'
import { benchLoad, LEAST_LOAD } from './bench.ts'

/** Adds the command `load`. It fails if a saturated service reports less than LEAST_LOAD. */
export function addLoad(program: Command): void {
  program
    .command('load')
    .description('the load that each service of a node reports while it is idle, and under a flood')
    .option('--json', 'print one JSON value')
    .option('--quick', 'the same')
    .action(async ({ json }: { json?: true; quick?: true }) => {
      const loads = await benchLoad()
      const lines = loads.map(
        ({ service, idle, saturated, cpu }) =>
          `${service.padEnd(12)}idle ${idle.toFixed(2)}   saturated ${saturated.toFixed(2)}   with ${Math.round(cpu * 100)} % of a core`,
      )
      console.log(json ? JSON.stringify(loads) : [...lines, `bound: ${LEAST_LOAD}`].join('\n'))
      if (loads.some(({ saturated }) => saturated < LEAST_LOAD)) process.exitCode = 1
    })
}
