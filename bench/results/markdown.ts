import { readFileSync } from 'node:fs'
import { type JudgedRow, type Kept, rowsOf } from './kept.ts'

/** The page bench/RESULTS.md. */
export function markdownOf(kept: Readonly<Record<string, Kept>>): string {
  const rows = rowsOf(kept)
  const runs = new Map<string, string[]>()
  for (const [name, { at, machine }] of Object.entries(kept)) {
    const run = `${at.slice(0, 10)}, ${machine}`
    runs.set(run, [...(runs.get(run) ?? []), name])
  }
  const busy = rows.some(({ isBusy }) => isBusy)
    ? '\nFigures marked with * come from a machine that did other work at the same time. Ratios of CPU time suffer least from that, elapsed times most.\n'
    : ''
  return `# Results

Made by \`npm run bench -- all --markdown\`. README.md says what each benchmark does, and what bounds a figure that is short of its bound.

${[...runs].map(([run, names]) => `- ${run}: ${names.join(', ')}`).join('\n')}
${busy}
![distance of each measure from its bound](results.svg)

| measure | value | bound | | note |
|---|---|---|---|---|
${rows.map(line).join('\n')}

${readFileSync(new URL('traversal.md', import.meta.url), 'utf8').trimEnd()}
`
}

function line({ measure, value, unit, bound, distance, isBusy, note }: JudgedRow): string {
  const verdict = distance === undefined ? '' : distance <= 1 ? 'met' : 'short'
  const limit = bound ? `${bound.kind} ${numberText(bound.value)}` : ''
  const shown = `${numberText(value)}${unit && ` ${unit}`}${isBusy ? ' *' : ''}`
  return `| \`${measure}\` | ${shown} | ${limit} | ${verdict} | ${note} |`
}

export function numberText(value: number): string {
  if (!Number.isFinite(value)) return 'never'
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
