import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { stopped } from './life.ts'
import { type LogLine, linesOf, logPath, readLog } from './log.ts'
import { type CommonFlags, countArgument, homeVerb } from './options.ts'
import { note, print } from './output.ts'

const LOOK_MS = 300

interface Flags extends CommonFlags {
  readonly lines: number
  readonly follow?: true
}

export function logs(description: string): Command {
  return homeVerb('logs', description)
    .option('--lines <n>', 'how many of the last lines', countArgument, 100)
    .option('--follow', 'go on with what happens from now on')
    .action(run)
}

async function run({ home, json, lines, follow }: Flags): Promise<void> {
  const all = readLog(home)
  if (all.length === 0 && !follow) note(json, 'nothing is kept: `straightway up` writes it')
  for (const line of all.slice(-lines)) tell(line, json)
  if (follow) await followed(logPath(home), json)
}

const tell = (line: LogLine, json: true | undefined): void =>
  print(json, line, `${new Date(line.at).toISOString()}  ${line.text}`)

/** Prints lines as they are appended. A file that got shorter is a new one. */
async function followed(path: string, json: true | undefined): Promise<void> {
  let at = sizeOf(path)
  while (!stopped.aborted) {
    await sleep(LOOK_MS, undefined, { signal: stopped }).catch(() => {})
    const size = sizeOf(path)
    if (size < at) at = 0
    const text = size > at ? read(path, at, size) : ''
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    at += Buffer.byteLength(whole)
    for (const line of linesOf(whole)) tell(line, json)
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0

function read(path: string, from: number, to: number): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(to - from)
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, from)).toString()
  } finally {
    closeSync(file)
  }
}
