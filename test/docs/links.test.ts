/** Every link between the documents of the repository leads somewhere. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { documents } from '../../docs/site/pages.ts'

const ROOT = join(import.meta.dirname, '../..')
const LINK = /!?\[[^\]]*\]\((?!https?:|mailto:)([^)\s]+)\)/g
test('every link leads to a file, and every anchor to a heading', () => {
  expect(documents().length).toBeGreaterThan(30)
  expect(documents().flatMap(deadLinks)).toEqual([])
})

function deadLinks(document: string): string[] {
  const text = prose(readFileSync(join(ROOT, document), 'utf8'))
  return [...text.matchAll(LINK)]
    .map(([, target]) => target!)
    .filter((target) => !leads(document, target))
    .map((target) => `${document}: ${target}`)
}

function leads(document: string, target: string): boolean {
  const [path, anchor] = target.split('#')
  const file = path ? join(dirname(document), path) : document
  if (!existsSync(join(ROOT, file))) return false
  return !anchor || headings(file).has(anchor)
}

/** Returns the anchors that GitHub gives to the headings of a document. */
function headings(file: string): Set<string> {
  const text = prose(readFileSync(join(ROOT, file), 'utf8'))
  return new Set(
    [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

const prose = (markdown: string): string => markdown.replaceAll(/^```.*?^```/gms, '')
