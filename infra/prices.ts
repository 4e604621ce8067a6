/**
 * On-demand prices of AWS in us-east-1, in dollars, as known in November 2026. Check the pricing page of a service before you
 * rely on a number. Only prices that matter for a bill of Straightway are listed. Free tiers are left out, because they
 * expire or make no difference.
 */
/** Hours in a month. */
export const HOURS = 730

export const PRICES = {
  source: 'On demand, us-east-1, as known in November 2026: compare with aws.amazon.com/<service>/pricing',
  /** Price per hour: Graviton, on demand, Linux. */
  instanceHour: {
    't4g.nano': 0.0042,
    't4g.micro': 0.0084,
    't4g.small': 0.0168,
    't4g.medium': 0.0336,
    'c6gn.medium': 0.0432,
    'c7gn.medium': 0.0624,
    'c7gn.large': 0.1248,
  },
  /** Sustained bandwidth of an instance type in Mbit/s, which bounds what a relay carries. */
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
  /** Traffic to the internet, per GB: the first 10 TB, the next 40, the next 100, and all above. */
  egressGb: [
    { upToGb: 10_240, price: 0.09 },
    { upToGb: 51_200, price: 0.085 },
    { upToGb: 153_600, price: 0.07 },
    { upToGb: Number.POSITIVE_INFINITY, price: 0.05 },
  ],
  /** Traffic between machines by their public addresses: 0.01 dollars out and 0.01 in, per GB. */
  betweenMachinesGb: 0.02,
  /** Traffic between two regions, per GB. */
  interRegionGb: 0.02,
  /** DynamoDB on demand. A write to a replica costs as much as the write at home. */
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
  /** AWS IoT Core, for comparison. */
  iot: { connectionMinuteMillion: 0.08, messageMillion: 1 },
} as const

export type InstanceType = keyof typeof PRICES.instanceHour
