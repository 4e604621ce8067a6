/** Pages that are made from the code: what they list is what the product does. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERRORS } from '../../shared/errors.ts'
import { LIMITS } from '../../shared/limits.ts'
import { METRICS } from '../../shared/node-metrics.ts'
import { WHY_NOT_DIRECT } from '../../shared/why-not-direct.ts'

const ROOT = join(import.meta.dirname, '../..')

/** Returns each page by its path. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ['reference/errors.md', errors()],
    ['reference/why-not-direct.md', reasons()],
    ['reference/limits.md', limits()],
    ['reference/metrics.md', metrics()],
  ])
}

const errors = (): string =>
  page(
    'Errors',
    'A `StraightwayError` of the SDK has one of these codes. INDEX answers with the same code in a problem (RFC 9457) and with the status beside it.',
    ['code', 'status', 'meaning'],
    Object.entries(ERRORS).map(([code, { status, title }]) => [`\`${code}\``, String(status), title]),
  )

const reasons = (): string =>
  page(
    'Why a tunnel is not direct',
    'A relayed tunnel has one of these reasons, in the SDK (`whyNotDirect`), on the command line, over REST and in metrics.',
    ['reason', 'what to do'],
    Object.entries(WHY_NOT_DIRECT).map(([reason, { advice }]) => [`\`${reason}\``, advice]),
  )

const metrics = (): string =>
  page(
    'Metrics of nodes',
    'Nodes report these to CloudWatch and, on one machine, in the format of Prometheus.',
    ['metric', 'kind', 'meaning'],
    Object.entries(METRICS).map(([name, { kind, help }]) => [name, kind, help]),
  )

/** The comment above a limit explains it, and often the one below. */
function limits(): string {
  const source = readFileSync(join(ROOT, 'shared/limits.ts'), 'utf8')
  let comment = ''
  const rows: string[][] = []
  for (const [, text, name] of source.matchAll(/\/\*\*([\s\S]*?)\*\/|^ {2}(\w+): .*,$/gm)) {
    if (text !== undefined) comment = text.replaceAll(/\s*\n\s*\*?\s*/g, ' ').trim()
    else if (name !== undefined && name in LIMITS)
      rows.push([`\`${name}\``, quantity(name, LIMITS[name as keyof typeof LIMITS]), comment])
  }
  const missing = Object.keys(LIMITS).filter((name) => !rows.some(([cell]) => cell === `\`${name}\``))
  if (missing.length > 0) throw new Error(`No row for ${missing.join(', ')}: write each limit on a line`)
  return page(
    'Limits',
    'The services enforce these. What exceeds one is refused with an error that names it.',
    ['limit', 'value', 'meaning'],
    rows,
  )
}

function quantity(name: string, value: number): string {
  if (name.endsWith('Bytes')) return value % 1024 === 0 ? `${value / 1024} KiB` : `${value} bytes`
  if (!name.endsWith('Ms')) return value.toLocaleString('en')
  const hours = value / 3600_000
  return hours % 24 === 0 ? `${hours / 24} days` : `${hours} hours`
}

function page(
  title: string,
  intro: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [`# ${title}`, '', intro, '', line(head), line(head.map(() => '---')), ...rows.map(line), ''].join(
    '\n',
  )
}
