import { readFileSync } from 'node:fs'

/** Of the package: beside the sources in a checkout, and above `dist` when it is installed. */
export function version(): string {
  for (const path of ['../../package.json', '../../../package.json']) {
    try {
      const { name, version: found } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
      if (typeof found === 'string' && typeof name === 'string' && name.startsWith('straightway'))
        return found
    } catch {
      // Not there.
    }
  }
  return 'unknown'
}
