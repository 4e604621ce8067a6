/** Draws mutants of the whole product by a seed. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Dice } from '../sim/dice.ts'
import { type Mutant, mutantsOf } from './mutants.ts'

export const ROOT = join(import.meta.dirname, '../..')
/** The rooms whose faults a user would meet. */
const ROOMS = ['shared', 'functions', 'udp-edge', 'peer']

export interface Drawn {
  /** Path of the module, relative to the root. */
  readonly file: string
  readonly mutant: Mutant
}

/**
 * Returns `size` different mutants, evenly drawn, or all if there are fewer. `under`: a folder or a file to draw from. The
 * same seed and sources give the same mutants.
 */
export function sample(size: number, seed: string, under = ''): Drawn[] {
  const all = modules()
    .filter((file) => file.startsWith(under))
    .flatMap((file) => mutantsOf(textOf(file)).map((mutant) => ({ file, mutant })))
  return new Dice(seed).shuffled(all).slice(0, size)
}

export const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

function modules(): string[] {
  const found = ROOMS.flatMap((room) => globSync(`${room}/**/*.ts`, { cwd: ROOT }))
  return found.filter((file) => !file.endsWith('.d.ts')).toSorted()
}
