/** The corpus: inputs worth keeping, one line of hex each, one file for each target. Inputs of past findings stay in it. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, 'corpus')
const fileOf = (target: string): string => join(FOLDER, `${target}.hex`)

export function readCorpus(target: string): Uint8Array[] {
  const file = fileOf(target)
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => new Uint8Array(Buffer.from(line, 'hex')))
}

export function writeCorpus(target: string, inputs: readonly Uint8Array[]): void {
  mkdirSync(FOLDER, { recursive: true })
  const lines = inputs.map((input) => Buffer.from(input).toString('hex'))
  writeFileSync(fileOf(target), `${[...new Set(lines)].sort((a, b) => a.length - b.length).join('\n')}\n`)
}
