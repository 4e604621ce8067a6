import { readFileSync } from 'node:fs'

/** Version in package.json, which is beside the sources in a checkout and above `dist` in an installed package. */
export function version(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const { name, version: found } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'))
      if (typeof found === 'string' && typeof name === 'string' && name.startsWith('straightway'))
        return found
    } catch {
      // There is no such file here.
    }
  }
  return 'unknown'
}
