import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { buildSync } from 'esbuild'
import { expect, test } from 'vitest'
import { BUNDLING, ROOT } from '../../infra/constructs/lambda.ts'
import { FUNCTIONS, KEY_ROTATION } from '../../infra/functions.ts'

const LIMIT_BYTES = 500 * 1024

/** As NodejsFunction has esbuild make it, and as a ZIP file compresses it. */
function zippedBytes(entry: string): number {
  const { banner, ...options } = BUNDLING
  const { outputFiles } = buildSync({
    ...options,
    banner: { js: banner },
    absWorkingDir: ROOT,
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    logLevel: 'silent',
  })
  return deflateRawSync(outputFiles[0]!.contents).length
}

test.each(
  [...Object.values(FUNCTIONS), KEY_ROTATION].map(({ entry }) => entry),
)('%s is at most 500 KB zipped', (entry) => {
  expect(readFileSync(join(ROOT, entry), 'utf8')).toContain('handler')
  expect(zippedBytes(entry)).toBeLessThanOrEqual(LIMIT_BYTES)
})
