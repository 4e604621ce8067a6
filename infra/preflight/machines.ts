/**
 * Checks of what region and account offer for nodes and relays. Elastic IP addresses are not needed: each instance gets a
 * public address when it starts.
 */
import {
  DescribeAvailabilityZonesCommand,
  DescribeInstanceTypeOfferingsCommand,
  DescribeInstanceTypesCommand,
  DescribeSubnetsCommand,
  DescribeVpcsCommand,
  type _InstanceType as InstanceType,
} from '@aws-sdk/client-ec2'
import { GetServiceQuotaCommand } from '@aws-sdk/client-service-quotas'
import { type Check, type Found, type Place, stackNames } from './check.ts'

const VPCS = { ServiceCode: 'vpc', QuotaCode: 'L-F678F1CE' }
/** Quota of virtual CPUs of running instances in the standard families. */
const CPUS = { ServiceCode: 'ec2', QuotaCode: 'L-1216C47A' }

const increase = ({ ServiceCode, QuotaCode }: typeof VPCS, region: string, value: number) =>
  `aws service-quotas request-service-quota-increase --region ${region} --service-code ${ServiceCode} --quota-code ${QuotaCode} --desired-value ${value}`

async function quotaOf({ quotas }: Place['clients'], quota: typeof VPCS): Promise<number> {
  const { Quota } = await quotas.send(new GetServiceQuotaCommand(quota))
  return Quota?.Value ?? 0
}

/** True if the edge stack of this region exists, so its machines do too. */
const deployed = ({ config, kind, region, stacks }: Place): boolean => {
  const { edge } = stackNames(config)
  return stacks.has(kind === 'home' ? edge : `${edge}-${region}`)
}

export const vpc: Check = async (place) => {
  const { config, region, clients } = place
  if ('vpcId' in config.network || deployed(place)) return []
  const [{ Vpcs = [] }, quota] = await Promise.all([
    clients.ec2.send(new DescribeVpcsCommand({})),
    quotaOf(clients, VPCS),
  ])
  if (Vpcs.length < quota) return []
  const what = `The region has ${Vpcs.length} VPCs of the ${quota} that the account may have.`
  return [{ level: 'error', check: 'vpc', what, mend: increase(VPCS, region, quota + 1) }]
}

export const subnets: Check = async ({ config: { network }, clients }) => {
  if (!('vpcId' in network)) return []
  const SubnetIds = network.subnets.map(({ id }) => id)
  const answer = await clients.ec2.send(new DescribeSubnetsCommand({ SubnetIds })).catch((error: Error) => {
    if (error.name === 'InvalidSubnetID.NotFound') return { Subnets: [] }
    throw error
  })
  const found = new Map((answer.Subnets ?? []).map((subnet) => [subnet.SubnetId, subnet]))
  return network.subnets.flatMap(({ id, zone }): Found[] => {
    const subnet = found.get(id)
    const wrong = (what: string, mend: string): Found[] => [{ level: 'error', check: 'subnets', what, mend }]
    if (subnet === undefined)
      return wrong(`There is no subnet ${id}.`, 'network: { subnets } in infra/environments.ts')
    if (subnet.VpcId !== network.vpcId || subnet.AvailabilityZone !== zone)
      return wrong(
        `${id} is in ${subnet.VpcId}, ${subnet.AvailabilityZone}.`,
        `network: { vpcId: '${subnet.VpcId}' } and { id: '${id}', zone: '${subnet.AvailabilityZone}' } in infra/environments.ts`,
      )
    if (!subnet.MapPublicIpOnLaunch)
      return wrong(
        `${id} gives instances no public address, and nodes need one.`,
        `aws ec2 modify-subnet-attribute --subnet-id ${id} --map-public-ip-on-launch`,
      )
    return []
  })
}

/** Zones that nodes are spread over: those of the team's own VPC, or the first ones of the region. */
async function zonesOf({ config: { network }, clients }: Place): Promise<string[]> {
  if ('vpcId' in network) return network.subnets.map(({ zone }) => zone)
  const Filters = [{ Name: 'zone-type', Values: ['availability-zone'] }]
  const { AvailabilityZones = [] } = await clients.ec2.send(new DescribeAvailabilityZonesCommand({ Filters }))
  const names = AvailabilityZones.map(({ ZoneName }) => ZoneName ?? '').sort()
  return names.slice(0, network.zones)
}

export const instanceTypes: Check = async (place) => {
  const { config, clients } = place
  const types = [...new Set([config.nodes.instance, config.relays.instance])]
  const [zones, { InstanceTypeOfferings = [] }] = await Promise.all([
    zonesOf(place),
    clients.ec2.send(
      new DescribeInstanceTypeOfferingsCommand({
        LocationType: 'availability-zone',
        Filters: [{ Name: 'instance-type', Values: types }],
      }),
    ),
  ])
  const offered = new Set(
    InstanceTypeOfferings.map(({ InstanceType: type, Location }) => `${type} ${Location}`),
  )
  const missing = types.flatMap((type) => zones.map((zone) => ({ type, zone })))
  return missing
    .filter(({ type, zone }) => !offered.has(`${type} ${zone}`))
    .map(({ type, zone }) => ({
      level: 'error',
      check: 'instance-types',
      what: `${zone} has no ${type}.`,
      mend: 'another `instance` of nodes or relays in infra/environments.ts, or network: { vpcId, subnets } in zones that have it',
    }))
}

export const instanceQuota: Check = async (place) => {
  if (deployed(place)) return []
  const { config, region, clients } = place
  const groups = [config.nodes, config.relays]
  const InstanceTypes = [...new Set(groups.map(({ instance }) => instance))] as InstanceType[]
  const [{ InstanceTypes: known = [] }, quota] = await Promise.all([
    clients.ec2.send(new DescribeInstanceTypesCommand({ InstanceTypes })),
    quotaOf(clients, CPUS),
  ])
  const cpus = new Map(
    known.map(({ InstanceType: type, VCpuInfo }) => [String(type), VCpuInfo?.DefaultVCpus ?? 1]),
  )
  const needed = (size: 'min' | 'max') =>
    groups.reduce((sum, group) => sum + group[size] * (cpus.get(group.instance) ?? 1), 0)
  if (quota >= needed('max')) return []
  const short = quota < needed('min')
  return [
    {
      level: short ? 'error' : 'warning',
      check: 'instance-quota',
      what: `Running instances may have ${quota} virtual CPUs; ${short ? `the smallest groups need ${needed('min')}` : `the largest groups would need ${needed('max')}`}.`,
      mend: increase(CPUS, region, needed('max')),
    },
  ]
}
