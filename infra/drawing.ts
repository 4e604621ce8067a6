/** An architecture as SVG: machines and doors at the left, functions in the middle, tables at the right. */
import type { Architecture, Arrow, Box } from './architecture.ts'

const BOX = { width: 210, height: 38, gap: 10 }
const COLUMNS = { left: 30, middle: 360, right: 690 }
const TOP = 70
const WIDTH = 930

interface Placed extends Box {
  readonly x: number
  readonly y: number
}

export function draw({ machines, doors, functions, tables, arrows, counts }: Architecture): string {
  const left = column([...doors, ...machines], COLUMNS.left, 2)
  const middle = column(functions, COLUMNS.middle, 1)
  const right = column(tables, COLUMNS.right, 1)
  const placed = new Map([...left, ...middle, ...right].map((box) => [box.id, box]))
  const height = TOP + Math.max(...[...placed.values()].map(({ y }) => y)) + BOX.height - TOP + 60
  const lines = unique(arrows).map((arrow) => path(arrow, placed))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">
<title>Straightway as deployed: drawn from the templates by infra/picture.ts</title>
<rect width="${WIDTH}" height="${height}" fill="#fbfaf7"/>
${heading(COLUMNS.left, `edge (${counts.edge} resources), and what calls`)}
${heading(COLUMNS.middle, `api (${counts.api} resources): functions`)}
${heading(COLUMNS.right, `data (${counts.data} resources): tables`)}
${lines.join('\n')}
${left.map((box) => rectangle(box, machines.some(({ id }) => id === box.id) ? '#f3d9b1' : '#d5e3d8')).join('\n')}
${middle.map((box) => rectangle(box, '#cfe0ee')).join('\n')}
${right.map((box) => rectangle(box, '#e4d7ea')).join('\n')}
<text x="${COLUMNS.left}" y="${height - 20}" fill="#555">purple: a stream calls · green: a door or the clock calls · watch (${counts.watch} resources) looks at all of it</text>
</svg>
`
}

function column(boxes: readonly Box[], x: number, stretch: number): Placed[] {
  return boxes.map((box, i) => ({ ...box, x, y: TOP + i * (BOX.height + BOX.gap) * stretch }))
}

function heading(x: number, text: string): string {
  return `<text x="${x}" y="40" font-size="14" font-weight="600" fill="#222">${escapeXml(text)}</text>`
}

function rectangle({ x, y, title, detail }: Placed, fill: string): string {
  return `<g><rect x="${x}" y="${y}" width="${BOX.width}" height="${BOX.height}" rx="6" fill="${fill}" stroke="#666" stroke-width="0.6"/><text x="${x + 10}" y="${y + 16}" font-weight="600">${escapeXml(title)}</text><text x="${x + 10}" y="${y + 30}" fill="#444" font-size="10">${escapeXml(detail)}</text></g>`
}

function path({ from, to, kind }: Arrow, placed: ReadonlyMap<string, Placed>): string {
  const [source, target] = [placed.get(from), placed.get(to)]
  if (source === undefined || target === undefined) return ''
  const forward = source.x < target.x
  const [x1, x2] = forward ? [source.x + BOX.width, target.x] : [source.x, target.x + BOX.width]
  const [y1, y2] = [source.y + BOX.height / 2, target.y + BOX.height / 2]
  const bend = (x1 + x2) / 2
  const stroke = kind === 'stream' ? '#8a5fa8' : '#4f8a63'
  return `<path d="M${x1} ${y1} C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}" fill="none" stroke="${stroke}" stroke-width="1.2"/><circle cx="${x2}" cy="${y2}" r="3" fill="${stroke}"/>`
}

function unique(arrows: readonly Arrow[]): Arrow[] {
  return [...new Map(arrows.map((arrow) => [JSON.stringify(arrow), arrow])).values()]
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
