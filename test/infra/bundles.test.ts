import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { writeFunction } from '../../infra/bundles.ts'
import { FUNCTIONS, KEY_ROTATION } from '../../infra/functions.ts'

const LIMIT_BYTES = 500 * 1024
const folder = mkdtempSync(join(tmpdir(), 'straightway-bundles-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each(
  [...Object.values(FUNCTIONS), KEY_ROTATION].map((description) => [description.entry, description] as const),
)('%s is at most 500 KB zipped', (_, description) => {
  const bundle = readFileSync(writeFunction(description, folder))
  expect(bundle.toString()).toContain('as handler')
  expect(deflateRawSync(bundle).length).toBeLessThanOrEqual(LIMIT_BYTES)
})
