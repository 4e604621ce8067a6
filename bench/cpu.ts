import { readFileSync } from 'node:fs'
import { StraightwayError } from '../shared/errors.ts'

/** USER_HZ, the unit of times in /proc: 100 per second on every Linux. */
const TICKS_PER_SECOND = 100

/** CPU time of a process in seconds: all its threads, user and kernel. Linux only. */
export function cpuSeconds(pid: number): number {
  const fields = statOf(pid).split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** CPU time in seconds of all processes that this one has started and that have ended. */
export function endedCpuSeconds(): number {
  const fields = statOf(process.pid).split(') ')[1]!.split(' ')
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND
}

function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch (cause) {
    throw new StraightwayError(
      'unavailable',
      `No CPU time of process ${pid}: it ended, or this is not Linux.`,
      { cause },
    )
  }
}
