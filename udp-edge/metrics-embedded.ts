/**
 * Samples as lines of log from which CloudWatch takes metrics (embedded metric format): a line for each set of labels, counters
 * as what they grew by since they were last told.
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

  /** `system`: the dimension that tells systems in one account apart. */
  constructor(system: string) {
    this.#system = system
  }

  /** Lines of JSON. Calling it counts as telling. */
  tell(samples: readonly Sample[], at: number): string[] {
    const lines = new Map<string, Line>()
    for (const sample of this.#grown(samples)) add(lines, sample)
    return [...lines.values()].map((line) => JSON.stringify(this.#embedded(line, at)))
  }

  /** A part that did not grow is left out: what never happens is no metric that is paid for. */
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

/** By the coarsest label alone; where parts are told, by each of the finer ones as well. */
function placeOf({ metric, labels }: Sample): Pick<Line, 'labels' | 'dimensions'> {
  const names = Object.keys(labels)
  if ('parts' in METRICS[metric]) return { labels, dimensions: names.map((_, i) => names.slice(0, i + 1)) }
  const [first = ''] = names
  return { labels: { [first]: labels[first]! }, dimensions: [[first]] }
}

const keyOf = ({ metric, labels }: Sample): string => `${metric} ${JSON.stringify(labels)}`
