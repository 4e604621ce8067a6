/**
 * What AWS charges in us-east-1, in dollars, on demand, as far as known in November 2026: look at the page of a service before
 * you rely on a number. Only what makes up a bill of ours; free tiers are left out, as they do not last or do not matter.
 */
export const HOURS = 730

export const PRICES = {
  source: 'On demand, us-east-1, as known in November 2026: compare with aws.amazon.com/<service>/pricing',
  /** By the hour. Graviton, on demand, Linux. */
  instanceHour: {
    't4g.nano': 0.0042,
    't4g.micro': 0.0084,
    't4g.small': 0.0168,
    't4g.medium': 0.0336,
    'c6gn.medium': 0.0432,
    'c7gn.medium': 0.0624,
    'c7gn.large': 0.1248,
  },
  /** What it sustains, in Mbit/s: what a relay is bought for. */
  sustainedMbit: {
    't4g.nano': 32,
    't4g.micro': 64,
    't4g.small': 128,
    't4g.medium': 256,
    'c6gn.medium': 1600,
    'c7gn.medium': 3125,
    'c7gn.large': 5000,
  },
  publicIpv4Hour: 0.005,
  diskGbMonth: 0.08,
  /** To the internet, by the GB: the first 10 TB, the next 40, the next 100, all above. */
  egressGb: [
    { upToGb: 10_240, price: 0.09 },
    { upToGb: 51_200, price: 0.085 },
    { upToGb: 153_600, price: 0.07 },
    { upToGb: Number.POSITIVE_INFINITY, price: 0.05 },
  ],
  /** By the GB, from one region to another. */
  interRegionGb: 0.02,
  /** A write that reaches a replica costs there what it costs at home. */
  dynamodb: {
    writeMillion: 0.625,
    readMillion: 0.125,
    storageGbMonth: 0.25,
    backupGbMonth: 0.2,
    streamReadMillion: 0.2,
  },
  lambda: { requestMillion: 0.2, gbSecondArm: 0.0000133334 },
  restApi: { requestMillion: 3.5 },
  websocketApi: { messageMillion: 1, connectionMinuteMillion: 0.25 },
  waf: { month: 5, ruleMonth: 1, requestMillion: 0.6 },
  logsGb: 0.5,
  alarmMonth: 0.1,
  dashboardMonth: 3,
  metricMonth: 0.3,
  secretMonth: 0.4,
  /** For comparison. */
  iot: { connectionMinuteMillion: 0.08, messageMillion: 1 },
} as const

export type InstanceType = keyof typeof PRICES.instanceHour
