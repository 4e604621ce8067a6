import { readdirSync, readFileSync } from 'node:fs'
import { cpuSeconds } from '../cpu.ts'

/** CPU time in seconds of a process and of all that it started and that still runs. */
export function cpuSecondsOfTree(pid: number): number {
  return treeOf(pid).reduce((sum, each) => sum + (ifAlive(() => cpuSeconds(each)) ?? 0), 0)
}

function treeOf(root: number): readonly number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? ifAlive(() => readFileSync(`/proc/${name}/stat`, 'utf8')) : undefined
    if (stat !== undefined)
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
  }
  const isWithin = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === root || isWithin(parents.get(pid)))
  return [...parents.keys()].filter(isWithin)
}

/** A process may end while it is looked at. */
function ifAlive<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
