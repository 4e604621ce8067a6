import { type JudgedRow, type Kept, rowsOf } from './kept.ts'
import { numberText } from './markdown.ts'

const WIDTH = 900
const LABELS = 430
const LINE = 22
const TOP = 40
/** Bars are logarithmic, from a tenth of the bound to ten times it. */
const DECADES = 1

/** A picture of all measures that have a bound: each bar begins at the bound. Bars to the left are better than it. */
export function pictureOf(kept: Readonly<Record<string, Kept>>): string {
  const rows = rowsOf(kept).filter(({ distance }) => distance !== undefined)
  const height = TOP + rows.length * LINE + 20
  const middle = placeOf(1)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<title>Each measure of a benchmark, and how far it is from its bound</title>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="${middle}" y="18" text-anchor="middle" fill="#333333">bound</text>
<text x="${middle - 60}" y="18" text-anchor="end" fill="#2e7d32">better</text>
<text x="${middle + 60}" y="18" fill="#c62828">short of it</text>
<line x1="${middle}" x2="${middle}" y1="24" y2="${height - 12}" stroke="#333333"/>
${rows.map(bar).join('\n')}
</svg>
`
}

function bar({ measure, value, unit, distance }: JudgedRow, i: number): string {
  const y = TOP + i * LINE
  const [at, middle] = [placeOf(distance!), placeOf(1)]
  const isMet = distance! <= 1
  const [x, width] = [Math.min(at, middle), Math.max(1, Math.abs(at - middle))]
  const text = `${numberText(value)}${unit && ` ${unit}`}`
  const outside = isMet
    ? `<text x="${x - 4}" y="${y + 12}" text-anchor="end" fill="#333333">${text}</text>`
    : `<text x="${x + width + 4}" y="${y + 12}" fill="#333333">${text}</text>`
  return `<text x="8" y="${y + 12}" fill="#333333">${escaped(measure)}</text><rect x="${x}" y="${y + 2}" width="${width}" height="13" fill="${isMet ? '#81c784' : '#e57373'}"/>${outside}`
}

function placeOf(distance: number): number {
  const space = (WIDTH - LABELS - 120) / 2
  const tens = Math.max(-DECADES, Math.min(DECADES, Math.log10(Math.max(distance, 1e-9))))
  return LABELS + 60 + space + (tens / DECADES) * space
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
