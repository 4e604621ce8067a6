import { expect, onTestFinished, test } from 'vitest'
import { noCounters } from '../../shared/core/checkpoint/counters.ts'
import { noCounts } from '../../shared/core/handshake/events.ts'
import { noRelayCounts } from '../../shared/core/relay/relay-counters.ts'
import { type Measured, samplesOf } from '../../udp-edge/metrics.ts'
import { EmbeddedMetrics } from '../../udp-edge/metrics-embedded.ts'
import { prometheusText } from '../../udp-edge/metrics-prometheus.ts'
import { publishMetrics } from '../../udp-edge/metrics-publisher.ts'

const AT = 1_800_000_000_000
const socket = { received: 0, sent: 0, dropped: 0, errors: 0, overrun: 0, faults: 0 }

function checkpoint(sessions: number, counters = {}): Measured {
  return { checkpoint: { sessions, counters: () => ({ ...noCounters(), ...counters, socket }) } }
}

function handshake(direct: object, relayed: object): Measured {
  return { handshake: { counters: () => ({ ...noCounts(), direct, relayed, socket }) } }
}

const relay: Measured = {
  relay: {
    legs: 2,
    counters: () => ({ ...noRelayCounts(), packets: 10, bytes: 9_000, strange: 3, unpaired: 1, socket }),
  },
}

test('Prometheus reads each part of what was dropped, and each technique', () => {
  const text = prometheusText(samplesOf({ ...relay, ...handshake({ punch: 7 }, { 'both-symmetric': 1 }) }))
  expect(text).toContain(
    [
      '# HELP straightway_relayed_bytes_total Bytes that a relay forwarded.',
      '# TYPE straightway_relayed_bytes_total counter',
      'straightway_relayed_bytes_total{role="relay"} 9000',
      '',
    ].join('\n'),
  )
  expect(text).toContain('# TYPE straightway_legs gauge\nstraightway_legs{role="relay"} 2\n')
  expect(text).toContain('straightway_tunnels_total{path="direct",technique="punch"} 7\n')
  expect(text).toContain('straightway_tunnels_total{path="relayed",why_not_direct="both-symmetric"} 1\n')
  expect(text).toContain('straightway_dropped_total{role="relay",why="strange"} 3\n')
})

test('CloudWatch is told what counters grew by, and what gauges are', () => {
  const metrics = new EmbeddedMetrics('test')
  metrics.tell(samplesOf(checkpoint(5, { messages: 100 })), AT)
  const [line] = metrics.tell(samplesOf(checkpoint(4, { messages: 130 })), AT + 60_000)
  expect(JSON.parse(line!)).toMatchObject({ System: 'test', Role: 'checkpoint', Sessions: 4, Messages: 30 })
})

test('of what was dropped CloudWatch is told the sum', () => {
  const [line] = new EmbeddedMetrics('test').tell(samplesOf(relay), AT)
  expect(JSON.parse(line!)).toEqual({
    _aws: {
      Timestamp: AT,
      CloudWatchMetrics: [
        {
          Namespace: 'Straightway',
          Dimensions: [['System', 'Role']],
          Metrics: ['Legs', 'RelayedPackets', 'RelayedBytes', 'Dropped'].map((Name) => ({ Name })),
        },
      ],
    },
    System: 'test',
    Role: 'relay',
    Legs: 2,
    RelayedPackets: 10,
    RelayedBytes: 9_000,
    Dropped: 4,
  })
})

test('of tunnels it is told the path, and for each the technique or the reason, once they happen', () => {
  const metrics = new EmbeddedMetrics('test')
  const told = (direct: object, relayed: object) =>
    metrics
      .tell(samplesOf(handshake(direct, relayed)), AT)
      .map((line) => JSON.parse(line))
      .filter(({ Tunnels }) => Tunnels !== undefined)
  const [punched] = told({ punch: 7 }, {})
  expect(punched).toMatchObject({ Path: 'direct', Technique: 'punch', Tunnels: 7 })
  expect(punched._aws.CloudWatchMetrics[0].Dimensions).toEqual([
    ['System', 'Path'],
    ['System', 'Path', 'Technique'],
  ])
  expect(told({ punch: 7 }, { symmetric: 1 })).toMatchObject([
    { Path: 'relayed', WhyNotDirect: 'symmetric', Tunnels: 1 },
  ])
})

test('they are served where they are wanted, and told a last time at the end', async () => {
  const said: string[] = []
  const publisher = await publishMetrics({
    config: { system: 'test', listen: { host: '127.0.0.1', port: 0 } },
    read: () => samplesOf(checkpoint(1)),
    print: (line) => said.push(line),
    log: () => {},
  })
  const response = await fetch(publisher.url!)
  expect(response.headers.get('content-type')).toContain('version=0.0.4')
  expect(await response.text()).toContain('straightway_sessions{role="checkpoint"} 1\n')
  expect((await fetch(new URL('/', publisher.url))).status).toBe(404)
  await publisher.close()
  expect(said.map((line) => JSON.parse(line).Sessions)).toEqual([1])
})

test('a port that is taken is logged, and the node serves', async () => {
  const logged: string[] = []
  const start = (port: number) =>
    publishMetrics({
      config: { listen: { host: '127.0.0.1', port } },
      read: () => [],
      print: () => {},
      log: (what) => logged.push(what),
    })
  const first = await start(0)
  const port = Number(new URL(first.url!).port)
  const second = await start(port)
  onTestFinished(async () => void (await Promise.all([first.close(), second.close()])))
  expect(second.url).toBeUndefined()
  expect(logged).toEqual([`metrics are not served at 127.0.0.1 port ${port}`])
})
