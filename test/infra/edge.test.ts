import { expect, test } from 'vitest'
import { inventoryOf } from './inventory.ts'
import { resourcesOf, systemUnderTest } from './system-under-test.ts'

const edge = systemUnderTest().edge!
const groups = resourcesOf(edge, 'AWS::AutoScaling::AutoScalingGroup')
const templates = resourcesOf(edge, 'AWS::EC2::LaunchTemplate')

test('there is no NAT gateway and no load balancer: nodes have their own addresses, of both families', () => {
  expect(resourcesOf(edge, 'AWS::EC2::NatGateway')).toHaveLength(0)
  expect(resourcesOf(edge, 'AWS::ElasticLoadBalancingV2::LoadBalancer')).toHaveLength(0)
  for (const { Properties } of resourcesOf(edge, 'AWS::EC2::Subnet')) {
    expect(Properties.MapPublicIpOnLaunch).toBe(true)
    expect(Properties.AssignIpv6AddressOnCreation).toBe(true)
  }
})

test('UDP is open both ways, for both families, so that no flow is tracked; besides, a relay takes TLS', () => {
  const everybody = (IpProtocol: string, FromPort: number, ToPort: number) => [
    expect.objectContaining({ CidrIp: '0.0.0.0/0', IpProtocol, FromPort, ToPort }),
    expect.objectContaining({ CidrIpv6: '::/0', IpProtocol, FromPort, ToPort }),
  ]
  const [nodes, relays] = resourcesOf(edge, 'AWS::EC2::SecurityGroup').map(({ Properties }) => Properties)
  expect(nodes!.SecurityGroupIngress).toEqual(everybody('udp', 0, 65535))
  expect(relays!.SecurityGroupIngress).toEqual([...everybody('udp', 0, 65535), ...everybody('tcp', 443, 443)])
  for (const { SecurityGroupEgress } of [nodes!, relays!])
    expect(SecurityGroupEgress).toEqual([
      expect.objectContaining({ CidrIp: '0.0.0.0/0', IpProtocol: '-1' }),
      expect.objectContaining({ CidrIpv6: '::/0', IpProtocol: '-1' }),
    ])
})

test('instances want a token for their metadata, have encrypted disks and no SSH key', () => {
  expect(templates).toHaveLength(2)
  for (const { Properties } of templates) {
    const { MetadataOptions, BlockDeviceMappings, KeyName } = Properties.LaunchTemplateData
    expect(MetadataOptions).toMatchObject({ HttpTokens: 'required', HttpPutResponseHopLimit: 1 })
    expect(BlockDeviceMappings[0].Ebs.Encrypted).toBe(true)
    expect(KeyName).toBeUndefined()
  }
})

test('an update starts a node before it ends one, and goes on only when that one serves', () => {
  for (const group of groups as ((typeof groups)[number] & {
    UpdatePolicy?: unknown
    CreationPolicy?: unknown
  })[]) {
    const minimum = Number(group.Properties.MinSize)
    expect(Number(group.Properties.MaxSize)).toBeGreaterThan(minimum)
    expect(group.UpdatePolicy).toMatchObject({
      AutoScalingRollingUpdate: {
        MaxBatchSize: 1,
        MinInstancesInService: minimum,
        WaitOnResourceSignals: true,
      },
    })
    expect(group.CreationPolicy).toMatchObject({ ResourceSignal: { Count: minimum } })
  }
})

test('a node that ends is waited for', () => {
  const hooks = resourcesOf(edge, 'AWS::AutoScaling::LifecycleHook')
  expect(hooks).toHaveLength(2)
  for (const { Properties } of hooks)
    expect(Properties.LifecycleTransition).toBe('autoscaling:EC2_INSTANCE_TERMINATING')
})

test('groups scale on the load that nodes publish, and on packets that AWS held back', () => {
  const policies = resourcesOf(edge, 'AWS::AutoScaling::ScalingPolicy').map(({ Properties }) => Properties)
  const tracked = policies.flatMap(({ TargetTrackingConfiguration }) => TargetTrackingConfiguration ?? [])
  const metrics = tracked.map(({ CustomizedMetricSpecification }) => CustomizedMetricSpecification)
  expect(
    metrics.map(({ MetricName, Dimensions }) => [MetricName, Dimensions[0].Value, Dimensions[1].Value]),
  ).toEqual([
    ['Load', 'checkpoint', 'test'],
    ['Load', 'relay', 'test'],
  ])
  expect(policies.filter(({ PolicyType }) => PolicyType === 'StepScaling')).toHaveLength(2)
})

test('what an instance is told holds no secret', () => {
  for (const { Properties } of templates) {
    const userData = JSON.stringify(Properties.LaunchTemplateData.UserData)
    expect(userData).toContain('FLEET_SECRET=')
    expect(userData).not.toContain('{{resolve:')
    expect(userData).not.toContain('FLEET_KEY=')
  }
})

test('nodes read the key of the fleet and not that of tickets; the rotation alone changes keys', () => {
  const policies = resourcesOf(edge, 'AWS::IAM::Policy').map(({ Properties }) => JSON.stringify(Properties))
  expect(
    policies
      .filter((policy) => policy.includes('KeysTicket'))
      .every((policy) => policy.includes('PutSecretValue')),
  ).toBe(true)
  expect(policies.filter((policy) => policy.includes('PutSecretValue'))).toHaveLength(1)
})

test('the stack holds what its inventory lists', async () => {
  await expect(inventoryOf(edge)).toMatchFileSnapshot('inventory/edge.txt')
})
