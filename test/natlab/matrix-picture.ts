/**
 * The matrix as a picture: the peer in the row asks, the peer in the column answers. Each cell shows how many runs were
 * direct, and how soon.
 */
import type { Cell } from './matrix.ts'

const CELL = { width: 62, height: 34 }
const MARGIN = { left: 190, top: 150, right: 20, bottom: 46 }
/** Colours by the share of direct runs. A pair with a failed run has its own colour. */
const COLOURS = { all: '#2f9e62', some: '#e3b23c', none: '#7d8fa3', failed: '#c8442f' } as const
const LEGEND: readonly (readonly [keyof typeof COLOURS, string])[] = [
  ['all', 'every run direct'],
  ['some', 'some'],
  ['none', 'relayed'],
  ['failed', 'a run failed'],
]

export function pictureOf(cells: readonly Cell[]): string {
  const [rows, columns] = [unique(cells.map(({ a }) => a)), unique(cells.map(({ b }) => b))]
  const width = MARGIN.left + columns.length * CELL.width + MARGIN.right
  const height = MARGIN.top + rows.length * CELL.height + MARGIN.bottom
  const drawn = cells.map((cell) => drawnCell(cell, rows.indexOf(cell.a), columns.indexOf(cell.b)))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="12">
<title>Direct tunnels between pairs of NATs</title>
<rect width="100%" height="100%" fill="#fff"/>
${rows.map(rowName).join('\n')}
${columns.map(columnName).join('\n')}
${drawn.join('\n')}
${LEGEND.map(([colour, text], i) => legend(colour, text, i, height - 26)).join('\n')}
</svg>
`
}

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)]

function rowName(name: string, i: number): string {
  const y = MARGIN.top + (i + 0.5) * CELL.height + 4
  return `<text x="${MARGIN.left - 8}" y="${y}" text-anchor="end">${name}</text>`
}

function columnName(name: string, i: number): string {
  const [x, y] = [MARGIN.left + (i + 0.5) * CELL.width, MARGIN.top - 8]
  return `<text x="${x}" y="${y}" transform="rotate(-45 ${x} ${y})">${name}</text>`
}

function drawnCell(cell: Cell, row: number, column: number): string {
  const { a, b, runs, direct, directMs, technique, why } = cell
  const [x, y] = [MARGIN.left + column * CELL.width, MARGIN.top + row * CELL.height]
  const text = (dy: number, size: number, content: string) =>
    `<text x="${x + CELL.width / 2}" y="${y + dy}" text-anchor="middle" fill="#fff" font-size="${size}">${content}</text>`
  return `<g><title>${a} to ${b}: ${direct} of ${runs} direct${technique === null ? '' : `, ${technique}`}${why === null ? '' : `, ${why}`}</title>
<rect x="${x + 1}" y="${y + 1}" width="${CELL.width - 2}" height="${CELL.height - 2}" rx="3" fill="${COLOURS[colourOf(cell)]}"/>
${text(15, 12, `${direct}/${runs}`)}
${directMs === null ? '' : text(28, 10, `${directMs.p50} ms`)}</g>`
}

function colourOf({ runs, direct, failed }: Cell): keyof typeof COLOURS {
  if (failed > 0) return 'failed'
  if (direct === 0) return 'none'
  return direct === runs ? 'all' : 'some'
}

function legend(colour: keyof typeof COLOURS, text: string, i: number, y: number): string {
  const x = MARGIN.left + i * 130
  return `<rect x="${x}" y="${y}" width="14" height="14" rx="3" fill="${COLOURS[colour]}"/><text x="${x + 20}" y="${y + 11}">${text}</text>`
}
