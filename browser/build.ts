/**
 * Bundles the SDK for browsers into one module without imports, so that it works in a `<script type="module">` as well as
 * with Vite, webpack and esbuild. Two modules of Node have a
 * counterpart that every platform can run, and post-quantum keys are left out, which only tunnels of our own have.
 */
import { join } from 'node:path'
import { type BuildOptions, type BuildResult, build, type Plugin } from 'esbuild'

const ROOT = join(import.meta.dirname, '..')

const COUNTERPARTS: Readonly<Record<string, string>> = {
  'shared/crypto/native.ts': 'shared/crypto/pure.ts',
  'shared/crypto/pure-ml-kem.ts': 'shared/crypto/no-ml-kem.ts',
  'shared/drive/uptime.ts': 'shared/drive/wall-uptime.ts',
}

/** Replaces what only Node can run. */
export const counterparts: Plugin = {
  name: 'counterparts',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.?\// }, ({ path, resolveDir }) => {
      const counterpart = Object.keys(COUNTERPARTS).find(
        (file) => join(ROOT, file) === join(resolveDir, path),
      )
      return counterpart === undefined ? undefined : { path: join(ROOT, COUNTERPARTS[counterpart]!) }
    })
  },
}

export type Bundle = BuildResult<{ readonly write: false; readonly metafile: true }>

/** How code of this repository is bundled for browsers. */
export const FOR_BROWSERS = {
  absWorkingDir: ROOT,
  bundle: true,
  write: false,
  minify: true,
  metafile: true,
  platform: 'browser',
  target: 'es2023',
  legalComments: 'none',
  logLevel: 'silent',
} as const satisfies BuildOptions

/** Bundles browser/index.ts. Nothing is written. */
export function bundleForBrowsers(): Promise<Bundle> {
  return build({
    ...FOR_BROWSERS,
    plugins: [counterparts],
    entryPoints: ['browser/index.ts'],
    format: 'esm',
  })
}
