import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { assemble, documents, sitePath } from '../../docs/site/pages.ts'
import { referencePages } from '../../docs/site/reference.ts'
import { SECTIONS } from '../../docs/site/sidebar.ts'
import { LIMITS } from '../../shared/limits.ts'

test('every document is a page, and every entry of the sidebar has its page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'straightway-site-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  assemble(folder)
  const named = SECTIONS.flatMap(({ pages }) => pages.map(([, document]) => document))
  const missing = [...documents(), ...named].filter(
    (document) => !existsSync(join(folder, sitePath(document))),
  )
  expect(missing).toEqual([])
  const front = readFileSync(join(folder, 'index.md'), 'utf8')
  expect(front).toContain('](peer/index.md)')
  expect(existsSync(join(folder, 'docs/straightway.svg'))).toBe(true)
})

test('the page of limits has a row with a meaning for each limit', () => {
  const page = referencePages().get('reference/limits.md')!
  for (const name of Object.keys(LIMITS))
    expect(page).toMatch(new RegExp(`^\\| \`${name}\` \\| [^|]+ \\| [A-Z][^|]+ \\|$`, 'm'))
})
