/**
 * `npm run cost -- --peers 1000000 --messages-per-day 50 --relay-share 0.03`: prints the monthly bill by service, and the
 * prices of other services for the same connections and messages. Every field of `Load` (infra/load.ts) is an option.
 * `--json` prints JSON.
 */
import { parseArgs } from 'node:util'
import { StraightwayError } from '../shared/errors.ts'
import { alternatives, bill, type Line, total } from './bill.ts'
import { type Load, TYPICAL } from './load.ts'
import { PRICES } from './prices.ts'

const flagOf = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function loadFrom(arguments_: readonly string[]): { readonly load: Load; readonly json: boolean } {
  const names = Object.keys(TYPICAL) as (keyof Load)[]
  const options = Object.fromEntries(names.map((name) => [flagOf(name), { type: 'string' as const }]))
  const { values } = parseArgs({ args: [...arguments_], options: { ...options, json: { type: 'boolean' } } })
  const given = names.flatMap((name) => {
    const text = (values as Readonly<Record<string, unknown>>)[flagOf(name)]
    return typeof text === 'string' ? [[name, parsedValue(name, text)] as const] : []
  })
  return { load: { ...TYPICAL, ...Object.fromEntries(given) } as Load, json: values.json === true }
}

function parsedValue(name: keyof Load, text: string): number | string {
  if (typeof TYPICAL[name] === 'string') {
    if (text in PRICES.instanceHour) return text
    throw new StraightwayError(
      'bad-request',
      `--${flagOf(name)}: known are ${Object.keys(PRICES.instanceHour).join(', ')}`,
    )
  }
  const value = Number(text)
  if (name === 'regions' && value !== 1 && value !== 2)
    throw new StraightwayError('bad-request', '--regions: a system has 1 or 2')
  if (Number.isFinite(value) && value >= 0) return value
  throw new StraightwayError('bad-request', `--${flagOf(name)}: ${text} is no number`)
}

function printBill(load: Load): void {
  const lines = bill(load)
  const row = ({ service, what, dollars }: Line) => `${service.padEnd(22)}${what.padEnd(54)}${money(dollars)}`
  const sum = {
    service: 'Straightway',
    what: `a month, ${load.peers.toLocaleString('en')} peers`,
    dollars: total(lines),
  }
  const text = [
    ...lines.map(row),
    row(sum),
    '',
    'The same without tunnels:',
    ...alternatives(load).map(row),
    '',
    PRICES.source,
  ]
  process.stdout.write(`${text.join('\n')}\n`)
}

const money = (dollars: number): string =>
  `$${dollars.toLocaleString('en', { maximumFractionDigits: 0 })}`.padStart(12)

try {
  const { load, json } = loadFrom(process.argv.slice(2))
  if (json)
    process.stdout.write(`${JSON.stringify({ load, bill: bill(load), alternatives: alternatives(load) })}\n`)
  else printBill(load)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 2
}
