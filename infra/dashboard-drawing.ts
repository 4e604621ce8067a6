/** A CloudWatch dashboard as SVG: its widgets where CloudWatch puts them, each with the names of what it shows. */
import { StraightwayError } from '../shared/errors.ts'
import type { Resource } from './permission/resolve.ts'

/** Size of one cell of the dashboard's grid of 24 columns, in pixels. */
const CELL = { width: 42, height: 30 }
const COLUMNS = 24
const MARGIN = 12
/** Space within a widget, in pixels. */
const PADDING = 10
const LINE = 15
const COLOURS = [
  '#2a78b5',
  '#d9822b',
  '#3a9b5c',
  '#b8443c',
  '#8a5fa8',
  '#7a5a48',
  '#c56aa5',
  '#6b7780',
] as const

interface Widget {
  readonly type: 'text' | 'alarm' | 'metric'
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly properties: {
    readonly markdown?: string
    readonly title?: string
    readonly alarms?: readonly string[]
    readonly metrics?: readonly (readonly unknown[])[]
  }
}

interface Rendering {
  readonly label?: string
  readonly stat?: string
  readonly visible?: boolean
  readonly expression?: string
}

/** Draws the dashboard among the resources of a system. Errors: `not-found` if there is none. */
export function drawDashboard(resources: readonly Resource[]): string {
  const dashboard = resources.find(({ type }) => type === 'AWS::CloudWatch::Dashboard')
  if (dashboard === undefined) throw new StraightwayError('not-found', 'The system has no dashboard.')
  const { widgets } = JSON.parse(String(dashboard.properties.DashboardBody)) as { widgets: Widget[] }
  const width = COLUMNS * CELL.width + 2 * MARGIN
  const height = Math.max(...widgets.map(({ y, height }) => y + height)) * CELL.height + 2 * MARGIN
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11">
<title>The dashboard as deployed: drawn from the template by infra/picture.ts</title>
<rect width="${width}" height="${height}" fill="#eef0f2"/>
${widgets.map(drawWidget).join('\n')}
</svg>
`
}

function drawWidget(widget: Widget): string {
  const { type, properties } = widget
  const [width, height] = [widget.width * CELL.width - 6, widget.height * CELL.height - 6]
  const at = `translate(${MARGIN + widget.x * CELL.width} ${MARGIN + widget.y * CELL.height})`
  const heading = properties.title ?? properties.markdown?.replace(/^# /, '') ?? ''
  const lines =
    type === 'alarm' ? alarms(properties.alarms ?? [], width) : legend(properties.metrics ?? [], height)
  return `<g transform="${at}"><rect width="${width}" height="${height}" rx="4" fill="#fff" stroke="#c9ced4"/>${text(PADDING, 18, heading, 'font-weight="600"')}${lines.join('')}</g>`
}

/** The names of alarms, in five columns, each with the sign of an alarm that is quiet. */
function alarms(arns: readonly string[], width: number): string[] {
  const [column, rows] = [(width - PADDING) / 5, Math.ceil(arns.length / 5)]
  return arns.map((arn, i) => {
    const [x, y] = [PADDING + Math.floor(i / rows) * column, 42 + (i % rows) * 22]
    const name = arn.replace(/^.*:alarm:straightway-[a-z0-9]+-/, '')
    return `<rect x="${x}" y="${y - 12}" width="${column - 8}" height="18" rx="3" fill="#dff0e3"/>${text(x + 6, y + 1, `✓ ${name}`)}`
  })
}

/** The names of a graph's lines. Those that do not fit are counted. */
function legend(metrics: readonly (readonly unknown[])[], height: number): string[] {
  const names = metrics.map(nameOf).filter((name) => name !== undefined)
  const room = Math.floor((height - 34) / LINE)
  const shown = names.length > room ? names.slice(0, room - 1) : names
  const lines = shown.map((name, i) => {
    const y = 38 + i * LINE
    return `<rect x="${PADDING}" y="${y - 8}" width="14" height="3" fill="${COLOURS[i % COLOURS.length]}"/>${text(PADDING + 20, y, name)}`
  })
  const more = names.length - shown.length
  return more === 0 ? lines : [...lines, text(PADDING + 20, 38 + shown.length * LINE, `and ${more} more`)]
}

/** Name of a graph's line: its label, or the last dimension's value and the metric. Undefined if the graph hides it. */
function nameOf(metric: readonly unknown[]): string | undefined {
  const texts = metric.filter((each) => typeof each === 'string')
  const {
    label,
    stat,
    visible = true,
    expression,
  }: Rendering = (metric.find((each) => typeof each === 'object') ?? {}) as Rendering
  if (!visible) return undefined
  const [, name, ...dimensions] = texts
  return (
    label ?? (name === undefined ? expression : `${dimensions.at(-1) ?? ''} ${name} ${stat ?? ''}`.trim())
  )
}

const text = (x: number, y: number, content: string, style = 'fill="#333"'): string =>
  `<text x="${x}" y="${y}" ${style}>${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</text>`
