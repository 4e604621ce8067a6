/** Samples in the text format of Prometheus, version 0.0.4. */
import { METRICS, type MetricName } from '../shared/node-metrics.ts'
import type { Sample } from './metrics.ts'

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export function prometheusText(samples: readonly Sample[]): string {
  const names = (Object.keys(METRICS) as MetricName[]).filter((name) =>
    samples.some(({ metric }) => metric === name),
  )
  return names.map((name) => familyText(name, samples)).join('')
}

function familyText(metric: MetricName, samples: readonly Sample[]): string {
  const { kind, help } = METRICS[metric]
  const name = `straightway_${snakeCase(metric)}${kind === 'counter' ? '_total' : ''}`
  const own = samples.filter((sample) => sample.metric === metric)
  const lines = own.map(({ labels, value }) => `${name}{${labelsText(labels)}} ${value}\n`)
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join('')}`
}

/** Labels in braces. Values are constants of this code base, without characters that need escaping. */
function labelsText(labels: Sample['labels']): string {
  return Object.entries(labels)
    .map(([name, value]) => `${snakeCase(name)}="${value}"`)
    .join(',')
}

function snakeCase(name: string): string {
  return name.replaceAll(/(?<=.)[A-Z]/g, (letter) => `_${letter}`).toLowerCase()
}
