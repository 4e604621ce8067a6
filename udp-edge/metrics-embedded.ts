/**
 * Formats samples as log lines in CloudWatch's embedded metric format, one line per set of labels. A counter is reported as
 * its increase since the last report.
 */
import { METRICS, type MetricName } from '../shared/node-metrics.ts'
import type { Sample } from './metrics.ts'

const NAMESPACE = 'Straightway'

interface Line {
  readonly labels: Sample['labels']
  readonly dimensions: readonly (readonly string[])[]
  readonly values: Partial<Record<MetricName, number>>
}

export class EmbeddedMetrics {
  readonly #system: string
  #told = new Map<string, number>()

  /** `system`: value of the dimension `System`, which distinguishes systems in one account. */
  constructor(system: string) {
    this.#system = system
  }

  /** Lines of JSON for the samples. Each call counts as a report. */
  tell(samples: readonly Sample[], at: number): string[] {
    const lines = new Map<string, Line>()
    for (const sample of this.#grown(samples)) add(lines, sample)
    return [...lines.values()].map((line) => JSON.stringify(this.#embedded(line, at)))
  }

  /** Samples with the increase of counters. Parts that did not grow are left out, because CloudWatch charges per metric. */
  #grown(samples: readonly Sample[]): Sample[] {
    const before = this.#told
    this.#told = new Map(samples.map((sample) => [keyOf(sample), sample.value]))
    return samples.flatMap((sample) => {
      if (METRICS[sample.metric].kind === 'gauge') return [sample]
      const value = sample.value - (before.get(keyOf(sample)) ?? 0)
      return value === 0 && 'parts' in METRICS[sample.metric] ? [] : [{ ...sample, value }]
    })
  }

  #embedded({ labels, dimensions, values }: Line, Timestamp: number): object {
    const Metrics = Object.keys(values).map((Name) => ({ Name }))
    const Dimensions = dimensions.map((names) => ['System', ...names])
    const CloudWatchMetrics = [{ Namespace: NAMESPACE, Dimensions, Metrics }]
    return { _aws: { Timestamp, CloudWatchMetrics }, System: this.#system, ...labels, ...values }
  }
}

function add(lines: Map<string, Line>, sample: Sample): void {
  const { metric, value } = sample
  const { labels, dimensions } = placeOf(sample)
  const key = JSON.stringify([labels, dimensions])
  const line = lines.get(key) ?? { labels, dimensions, values: {} }
  line.values[metric] = (line.values[metric] ?? 0) + value
  lines.set(key, line)
}

/** Labels and dimensions of a sample: only the coarsest label, or all of them if the metric reports its parts. */
function placeOf({ metric, labels }: Sample): Pick<Line, 'labels' | 'dimensions'> {
  const names = Object.keys(labels)
  if ('parts' in METRICS[metric]) return { labels, dimensions: names.map((_, i) => names.slice(0, i + 1)) }
  const [first = ''] = names
  return { labels: { [first]: labels[first]! }, dimensions: [[first]] }
}

const keyOf = ({ metric, labels }: Sample): string => `${metric} ${JSON.stringify(labels)}`
