/** Knows which tests run a module, the nearest first. */
import { dirname, join, normalize } from 'node:path'

/** Returns the paths that a module imports at run time, relative to the root. */
export function importsOf(file: string, text: string): string[] {
  const found = text.matchAll(/(?:\bfrom |\bimport\(|^import )\s*'(\.[^']+)'/gm)
  return [...found].map(([, to]) => normalize(join(dirname(file), to!)))
}

/** Imports turned around, for the question which tests a module reaches. */
export class Importers {
  readonly #importers = new Map<string, string[]>()

  /** `texts`: the text of every module by its path. */
  constructor(texts: ReadonlyMap<string, string>) {
    for (const [file, text] of texts)
      for (const to of importsOf(file, text)) {
        const importers = this.#importers.get(to)
        if (importers) importers.push(file)
        else this.#importers.set(to, [file])
      }
  }

  /** Returns the tests that import a module, by the number of imports between: the first list holds the nearest. */
  testsOf(file: string): string[][] {
    const rings: string[][] = []
    const seen = new Set([file])
    for (let ring = [file]; ring.length > 0; ) {
      ring = ring.flatMap((from) => this.#importers.get(from) ?? []).filter((to) => isNew(seen, to))
      const tests = ring.filter((path) => path.endsWith('.test.ts'))
      if (tests.length > 0) rings.push(tests)
    }
    return rings
  }
}

function isNew(seen: Set<string>, path: string): boolean {
  if (seen.has(path)) return false
  seen.add(path)
  return true
}
