/**
 * A recorded terminal session, as text for any asciinema player (asciicast v2) and as an SVG for a README. In the SVG
 * every line appears at its time. Viewers who prefer reduced motion see the final picture.
 */

/** A line that a person typed or a program printed. */
export interface CastLine {
  /** Seconds since the beginning of the session. */
  readonly at: number
  readonly who: string
  readonly kind: 'typed' | 'printed' | 'note'
  /** Text of one line without control characters. */
  readonly text: string
}

export interface Cast {
  readonly title: string
  readonly lines: readonly CastLine[]
}

const COLUMNS = 100
const ROW = 19
const TOP = 46
const LEFT = 18
const CHARACTER = 8.4
const REST_S = 6
const COLOURS: Readonly<Record<CastLine['kind'], string>> = {
  typed: '#ffffff',
  printed: '#b9c4cf',
  note: '#7f8c99',
}
const PEOPLE = ['#7ee0a2', '#7ab8ff', '#f2b5ff'] as const

/** Writes asciicast: one JSON value per line, first the header, then `[seconds, "o", text]`. */
export function asciicast({ title, lines }: Cast): string {
  const rows = folded(lines)
  const header = { version: 2, width: COLUMNS, height: rows.length + 1, title }
  const events = rows.map(({ at, who, kind, text }) => [
    Number(at.toFixed(3)),
    'o',
    `\u001b[1m${who}\u001b[0m ${kind === 'typed' ? '$' : ' '} ${text}\r\n`,
  ])
  return `${[header, ...events].map((each) => JSON.stringify(each)).join('\n')}\n`
}

export function svg({ title, lines }: Cast): string {
  const rows = folded(lines)
  const people = [...new Set(lines.map(({ who }) => who))]
  const length = (rows.at(-1)?.at ?? 0) + REST_S
  const [width, height] = [LEFT * 2 + COLUMNS * CHARACTER, TOP + rows.length * ROW + 16]
  const texts = rows.map((row, i) => rowText(row, { y: TOP + (i + 1) * ROW - 5, people, length }))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${xml(title)}">
<title>${xml(title)}</title>
<style>
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre }
@media (prefers-reduced-motion: no-preference) { .row { animation: row ${length.toFixed(1)}s linear infinite } }
${rows.map(({ at }, i) => keyframesOf(i, at / length)).join('\n')}
</style>
<rect width="100%" height="100%" rx="10" fill="#15202b"/>
<circle cx="20" cy="20" r="6" fill="#ff5f57"/><circle cx="40" cy="20" r="6" fill="#febc2e"/><circle cx="60" cy="20" r="6" fill="#28c840"/>
<text x="${width / 2}" y="25" fill="#7f8c99" text-anchor="middle">${xml(title)}</text>
${texts.join('\n')}
</svg>
`
}

const keyframesOf = (i: number, part: number): string => {
  const from = (part * 100).toFixed(2)
  return `@keyframes r${i} { 0%, ${from}% { opacity: 0 } ${(part * 100 + 0.01).toFixed(2)}%, 100% { opacity: 1 } } .r${i} { animation-name: r${i} }`
}

interface Place {
  readonly y: number
  readonly people: readonly string[]
}

function rowText({ who, kind, text, i }: Row, { y, people }: Place & { readonly length: number }): string {
  const colour = PEOPLE[people.indexOf(who) % PEOPLE.length]!
  const start = kind === 'typed' ? '$ ' : '  '
  return `<text class="row r${i}" x="${LEFT}" y="${y}"><tspan fill="${colour}">${xml(who)} </tspan><tspan fill="#7f8c99">${start}</tspan><tspan fill="${COLOURS[kind]}">${xml(text)}</tspan></text>`
}

interface Row extends CastLine {
  readonly i: number
}

/** Wraps lines that are too long. */
function folded(lines: readonly CastLine[]): Row[] {
  const rows = lines.flatMap((line) => {
    const room = COLUMNS - line.who.length - 3
    const parts = line.text.match(new RegExp(`.{1,${room}}(?:\\s|$)|.{1,${room}}`, 'g')) ?? ['']
    return parts.map((text, i) => ({
      ...line,
      kind: i === 0 ? line.kind : ('printed' as const),
      text: text.trimEnd(),
    }))
  })
  return rows.map((row, i) => ({ ...row, i }))
}

const xml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
