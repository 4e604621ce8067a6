/** Copies the documents of the repository into the form of a site: README.md of a folder becomes its index page. */
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { addressOf, packedLinks } from '../packed-links.ts'
import { referencePages } from './reference.ts'

const ROOT = join(import.meta.dirname, '../..')
const LINK = /(!?\[[^\]]*\]\()(?!https?:|mailto:|#)([^)\s]+)\)/g
const PICTURE = /!\[[^\]]*\]\((?!https?:)([^)\s]+)\)/g

/** Folders whose documents are not ours, or are made from ours. */
const OTHERS = new Set(['node_modules', 'pages', 'out', 'dist', 'cdk.out', 'torture-runs', '.straightway'])

/** Returns the paths of all documents, from the root. */
export function documents(): string[] {
  return globSync('**/*.md', { cwd: ROOT, exclude: (name) => OTHERS.has(name) }).toSorted()
}

/** Writes the pages and their pictures into a folder, which is emptied first. */
export function assemble(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  const known = new Set(documents())
  for (const document of known) write(folder, sitePath(document), pageOf(document, known, folder))
  for (const [path, text] of referencePages()) write(folder, path, text)
}

/** Returns the path of a page: `peer/README.md` is `peer/index.md`. */
export const sitePath = (document: string): string => document.replace(/(^|\/)README\.md$/, '$1index.md')

function pageOf(document: string, known: ReadonlySet<string>, folder: string): string {
  const markdown = readFileSync(join(ROOT, document), 'utf8')
  for (const [, picture] of markdown.matchAll(PICTURE))
    copy(posix.join(posix.dirname(document), picture!), folder)
  const { repository } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const travels = (path: string) =>
    known.has(asDocument(path)) || (isPicture(path) && existsSync(join(ROOT, path)))
  const linked = packedLinks(markdown, { document, travels, repository: addressOf(repository) })
  return linked.replace(LINK, (whole, head: string, target: string) => {
    if (isPicture(target)) return whole.replace(target, target.startsWith('.') ? target : `./${target}`)
    const [path, anchor] = target.split('#')
    const page = sitePath(asDocument(path!))
    return `${head}${page}${anchor === undefined ? '' : `#${anchor}`})`
  })
}

/** A link to a folder leads to its README. */
const asDocument = (path: string): string => (path.endsWith('/') ? `${path}README.md` : path)

const isPicture = (path: string): boolean => /\.(svg|png)$/.test(path)

function copy(picture: string, folder: string): void {
  mkdirSync(dirname(join(folder, picture)), { recursive: true })
  cpSync(join(ROOT, picture), join(folder, picture))
}

function write(folder: string, path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}
