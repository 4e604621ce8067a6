/** Sizes of files and functions. Reads the sources as formatted. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from './shape.ts'

const ROOT = join(import.meta.dirname, '../..')
const ROOMS = [
  'shared',
  'peer',
  'udp-edge',
  'functions',
  'local',
  'infra',
  'cli',
  'canary',
  'system',
  'serve',
]
const MOST_LINES = 250
const MOST_LINES_OF_A_FUNCTION = 40
const FUNCTION =
  /^( *)(?:export )?(?:default )?(?:static )?(?:async )?(?:function\*? \w+|(?:get |set )?#?\w+)(?:<[^>]*>)?\(/
export interface Source {
  readonly file: string
  readonly text: string
}

/** Rules that most of the code keeps. A violation is printed but does not fail. */
export function sizes(sources = allSources()): readonly Finding[] {
  return [longFiles(sources), longFunctions(sources)]
}

function allSources(): readonly Source[] {
  const files = ROOMS.flatMap((room) => globSync(`${room}/**/*.ts`, { cwd: ROOT }))
  return files
    .filter((file) => !file.includes('node_modules'))
    .map((file) => ({ file, text: readFileSync(join(ROOT, file), 'utf8') }))
}

const linesOf = (text: string): readonly string[] => text.trimEnd().split('\n')

function longFiles(sources: readonly Source[]): Finding {
  const long = sources
    .map(({ file, text }) => ({ file, lines: linesOf(text).length }))
    .filter(({ lines }) => lines > MOST_LINES)
    .sort((a, b) => b.lines - a.lines)
  return {
    rule: `files have at most ${MOST_LINES} lines`,
    is: `${sources.length} files, ${long.length} longer`,
    violations: long.map(({ file, lines }) => `${lines} lines: ${file}`),
  }
}

interface Length {
  readonly at: string
  readonly lines: number
}

function longFunctions(sources: readonly Source[]): Finding {
  const all = sources.flatMap(functionsOf)
  const long = all.filter(({ lines }) => lines > MOST_LINES_OF_A_FUNCTION).sort((a, b) => b.lines - a.lines)
  const median = all.map(({ lines }) => lines).sort((a, b) => a - b)[Math.floor(all.length / 2)] ?? 0
  const share = all.length === 0 ? 0 : (100 * long.length) / all.length
  return {
    rule: `functions have at most ${MOST_LINES_OF_A_FUNCTION} lines`,
    is: `${all.length} functions, median ${median} lines, ${share.toFixed(2)} % longer`,
    violations: long.map(({ at, lines }) => `${lines} lines: ${at}`),
  }
}

/** Functions and methods with a block. Of nested ones the outer counts all lines. */
function functionsOf({ file, text }: Source): readonly Length[] {
  const lines = linesOf(text)
  return lines.flatMap((line, start) => {
    const indent = FUNCTION.exec(line)?.[1]
    if (indent === undefined || indent.length > 2 || !/[({]$/.test(line)) return []
    const bodyAt = lines.findIndex((it, i) => i >= start && it.endsWith('{'))
    const end = lines.findIndex((it, i) => i > start && it.startsWith(`${indent}}`))
    return end < 0 || bodyAt < 0 || bodyAt > end
      ? []
      : [{ at: `${file}:${start + 1}`, lines: end - start + 1 }]
  })
}
