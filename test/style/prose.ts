/**
 * The prose of the house: doc comments and documents. Counts what a reader stumbles over:
 *
 *   fragments   doc comments that open with a relative or a preposition and have no subject ("Whether it is open.")
 *   sentences   with more than LONGEST_SENTENCE words; parts of a list count by themselves
 *   cells       of tables with more than LONGEST_CELL characters
 *   patterns    phrases that plain English does without
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Finding } from './shape.ts'

const ROOT = join(import.meta.dirname, '../..')
const ROOMS =
  'shared,functions,udp-edge,serve,peer,cli,canary,local,infra,test,bench,docs,browser,system,examples'
export const LONGEST_SENTENCE = 40
export const LONGEST_CELL = 150
const OPENERS =
  /^(Whether|What|Who|Whom|Whose|Which|Where|Of|By|From|Per)\b|^When [^,;]*[.;]|^When [^,;]*, (epoch|in|on|by) /
const PATTERNS =
  /\b((?<!\b(?:each|some|none|all|two) )of which|so many|is taken for|are taken for|at once,? and|what nobody|who accepts)\b/gi

export type Kind = 'fragments' | 'sentences' | 'cells' | 'patterns'

export interface Stumble {
  readonly kind: Kind
  readonly file: string
  /** The text, shortened. */
  readonly text: string
}

/** Texts that still break a rule, by file. A number may only shrink: the rule names a file whose number is too large. */
const EXCEPTIONS: Readonly<Record<string, Partial<Record<Kind, number>>>> = {
  'docs/threat-model.md': { cells: 1 },
  'shared/wire/README.md': { cells: 6, sentences: 3 },
  'test/model/protocol/README.md': { sentences: 1 },
  'test/torture/README.md': { cells: 1 },
}

const RULES: Readonly<Record<Kind, string>> = {
  fragments: 'doc comments begin with a noun or a verb',
  sentences: `sentences have at most ${LONGEST_SENTENCE} words`,
  cells: `cells of tables have at most ${LONGEST_CELL} characters`,
  patterns: 'phrases are those of plain English',
}

/** The rules of prose. Exceptions are no violations, but an exception that is not needed any more is. */
export function prose(all: readonly Stumble[] = stumbles()): readonly Finding[] {
  return (Object.keys(RULES) as Kind[]).map((kind) => {
    const ofKind = all.filter((it) => it.kind === kind)
    const files = new Set([...ofKind.map(({ file }) => file), ...Object.keys(EXCEPTIONS)])
    return {
      rule: RULES[kind],
      is: `${ofKind.length} exceptions`,
      violations: [...files].flatMap((file) => violationsIn(file, kind, ofKind)),
    }
  })
}

function violationsIn(file: string, kind: Kind, ofKind: readonly Stumble[]): string[] {
  const here = ofKind.filter((it) => it.file === file)
  const allowed = EXCEPTIONS[file]?.[kind] ?? 0
  if (here.length < allowed)
    return [`${file}: ${here.length} are left, so lower the exception from ${allowed}`]
  return here.length === allowed ? [] : here.map(({ text }) => `${file}: ${text}`)
}

/** Returns everything in the documents and sources of the repository, in the order of their paths. */
export function stumbles(): Stumble[] {
  const files = [...globSync(`{${ROOMS}}/**/*.{ts,md}`, { cwd: ROOT }), ...globSync('*.md', { cwd: ROOT })]
  const own = files.filter((file) => !/(^|\/)(node_modules|out|pages|dist)\/|prose\.test\.ts$/.test(file))
  return own.toSorted().flatMap((file) => stumblesOf(file, readFileSync(join(ROOT, file), 'utf8')))
}

export function stumblesOf(file: string, text: string): Stumble[] {
  return file.endsWith('.md') ? inDocument(file, text) : commentsOf(text).flatMap((it) => inComment(file, it))
}

/** Returns the text of each doc comment, without its stars. */
const commentsOf = (source: string): string[] =>
  [...source.matchAll(/\/\*\*(.*?)\*\//gs)].map(([, body]) => body!.replaceAll(/^[ \t]*\* ?/gm, '').trim())

function inComment(file: string, comment: string): Stumble[] {
  const opens = OPENERS.test(comment) ? [found('fragments', file, comment)] : []
  // Aligned columns are a table.
  const prose = comment.replaceAll(/^.*\S {3,}\S.*$/gm, '\n')
  return [...opens, ...inProse(file, prose)]
}

function inDocument(file: string, markdown: string): Stumble[] {
  const text = markdown.replaceAll(/^```.*?^```/gms, '')
  const cells = [...text.matchAll(/^\|.*$/gm)].flatMap(([row]) => row.split('|').map((cell) => cell.trim()))
  const long = cells.filter((cell) => cell.length > LONGEST_CELL).map((cell) => found('cells', file, cell))
  return [...long, ...inProse(file, text.replaceAll(/^\|.*$/gm, ''))]
}

function inProse(file: string, prose: string): Stumble[] {
  const phrases = [...prose.matchAll(PATTERNS)].map(([phrase]) => found('patterns', file, phrase))
  return [
    ...sentencesOf(prose)
      .filter(isLong)
      .map((it) => found('sentences', file, it)),
    ...phrases,
  ]
}

const isLong = (sentence: string): boolean => sentence.split(/\s+/).length > LONGEST_SENTENCE

/** Splits prose at ends of sentences, empty lines and list items. Code counts as one word, a link as its text. */
function sentencesOf(prose: string): string[] {
  const plain = prose
    .replaceAll(/`[^`]*`/g, 'code')
    .replaceAll(/\]\([^)]*\)/g, ']')
    .replaceAll(/^\s*([-*]|\d+\.|#+)\s+/gm, '\n\n')
  return plain.split(/(?<=[.!?:;][)*_"]*)\s+|\n\s*\n/).map((it) => it.trim())
}

const found = (kind: Kind, file: string, text: string): Stumble => ({
  kind,
  file,
  text: text.replaceAll(/\s+/g, ' ').slice(0, 100),
})
