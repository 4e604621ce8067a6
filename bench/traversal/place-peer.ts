import { fileURLToPath } from 'node:url'
import { Dialogue } from '../../test/natlab/dialogue.ts'
import type { Lab, Place } from '../../test/natlab/lab.ts'

/** Runs a script of this folder at a place of the laboratory, until that place is rebuilt. */
export function placePeer(lab: Lab, at: Place, script: string, ...args: readonly string[]): Dialogue {
  const file = fileURLToPath(new URL(script, import.meta.url))
  return new Dialogue(lab.spawn(at, [process.execPath, file, ...args], { stdio: ['pipe', 'pipe', 'ignore'] }))
}
