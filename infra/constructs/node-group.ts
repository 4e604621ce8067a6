import { Duration, Stack, Validations } from 'aws-cdk-lib'
import {
  AdjustmentType,
  AutoScalingGroup,
  type CfnAutoScalingGroup,
  DefaultResult,
  GroupMetrics,
  HealthChecks,
  LifecycleTransition,
  ScalingEvents,
  ScalingProcess,
  Signals,
  UpdatePolicy,
} from 'aws-cdk-lib/aws-autoscaling'
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch'
import {
  AmazonLinuxCpuType,
  BlockDeviceVolume,
  EbsDeviceVolumeType,
  InstanceType,
  LaunchTemplate,
  MachineImage,
  SubnetType,
} from 'aws-cdk-lib/aws-ec2'
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import type { ILogGroup } from 'aws-cdk-lib/aws-logs'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import { Construct } from 'constructs'
import { type Config, type GroupConfig, prefixOf } from '../config.ts'
import { loadOf, NAMESPACE } from '../metrics.ts'
import { regionInFinding } from './finding.ts'
import type { Home } from './home.ts'
import type { Network } from './network.ts'
import { NodeAsset } from './node-asset.ts'
import { GIVE_UP_IF_FAILED, nodeUserData } from './user-data.ts'

export type NodeRole = 'checkpoint' | 'handshake' | 'stun' | 'relay'

export interface NodeGroupProps {
  readonly config: Pick<Config, 'name' | 'bootstrap'>
  readonly group: GroupConfig
  /** Roles that each node of the group has. The group scales on the load of the first. */
  readonly roles: readonly [NodeRole, ...NodeRole[]]
  readonly network: Network
  /** Log group that the instances write to. */
  readonly log: ILogGroup
  /** Topic for notifications of failed launches and terminations. */
  readonly topic: ITopic
  /** The system's home region, which may be another one than the group's. */
  readonly home: Home
}

const SERVE_HOOK = 'serve'
const DRAIN_HOOK = 'drain'
const DISK_GIB = 8
/** The longest that an instance may take until it serves. Installing, fetching keys and taking a lease take about two minutes. */
const READY = Duration.minutes(10)
/** A draining node sends a heartbeat every few seconds. One that sends none for this long hangs, and is terminated. */
const SILENCE = Duration.minutes(5)

/**
 * An autoscaling group whose instances each run one node:
 *
 * - If the launch template changes, instances are replaced one at a time. A new one serves before an old one drains.
 * - If the load is above the target, or AWS holds packets back, instances are added.
 * - An instance whose node does not stay up is replaced.
 */
export class NodeGroup extends Construct {
  readonly group: AutoScalingGroup
  readonly role: Role
  readonly name: string

  constructor(scope: Construct, id: string, props: NodeGroupProps) {
    super(scope, id)
    this.name = `${prefixOf(props.config)}${id}`
    this.role = this.#role(props)
    this.group = this.#group(props, this.#template(props))
    this.#drain()
    this.#scale(props)
    props.home.grant(this.role)
  }

  #role({ log }: NodeGroupProps): Role {
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('ec2.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore')],
    })
    log.grantWrite(role)
    const actions = ['CompleteLifecycleAction', 'RecordLifecycleActionHeartbeat', 'SetInstanceHealth']
    const prefixed = actions.map((action) => `autoscaling:${action}`)
    role.addToPolicy(new PolicyStatement({ actions: prefixed, resources: [groupArn(this, this.name)] }))
    const conditions = { StringEquals: { 'cloudwatch:namespace': NAMESPACE } }
    role.addToPolicy(
      new PolicyStatement({ actions: ['cloudwatch:PutMetricData'], resources: ['*'], conditions }),
    )
    role.addToPolicy(new PolicyStatement({ actions: ['ec2:DescribeTags'], resources: ['*'] }))
    Validations.of(role).acknowledge(
      {
        id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonSSMManagedInstanceCore]',
        reason: 'Session Manager instead of SSH: AWS keeps what its agent needs in this policy.',
      },
      {
        id: 'AwsSolutions-IAM5[Resource::*]',
        reason: 'PutMetricData (held to our namespace) and DescribeTags know no narrower resource.',
      },
      {
        id: `AwsSolutions-IAM5[Resource::${groupArnFinding(this, this.name)}]`,
        reason: 'The wildcard is an id that AWS gives the group; the name that follows is exact.',
      },
    )
    return role
  }

  #template({ config, group, roles, network, home, log }: NodeGroupProps): LaunchTemplate {
    const asset = new NodeAsset(this, 'Asset', {
      relay: roles.includes('relay'),
      drainMinutes: group.drainMinutes,
    })
    asset.grantDownload(this.role, config.bootstrap.bucketKey)
    const told = {
      ROLES: roles.join(','),
      SYSTEM: config.name,
      GROUP: this.name,
      SERVE_HOOK,
      DRAIN_HOOK,
      ...home.told,
      STRAIGHTWAY_TABLE_PREFIX: prefixOf(config),
      DRAIN_MS: String(group.drainMinutes * 60_000),
      LOG_GROUP: log.logGroupName,
    }
    return new LaunchTemplate(this, 'Template', {
      launchTemplateName: this.name,
      instanceType: new InstanceType(group.instance),
      machineImage: MachineImage.latestAmazonLinux2023({ cpuType: AmazonLinuxCpuType.ARM_64 }),
      securityGroup: roles.includes('relay') ? network.relays : network.nodes,
      associatePublicIpAddress: true,
      role: this.role,
      userData: nodeUserData({
        asset: asset.location,
        told,
        found: home.found,
        group: this.name,
        hook: SERVE_HOOK,
      }),
      requireImdsv2: true,
      httpPutResponseHopLimit: 1,
      instanceMetadataTags: true,
      blockDevices: [{ deviceName: '/dev/xvda', volume: encryptedDisk() }],
    })
  }

  #group({ group, network, topic }: NodeGroupProps, launchTemplate: LaunchTemplate): AutoScalingGroup {
    const made = new AutoScalingGroup(this, 'Group', {
      autoScalingGroupName: this.name,
      vpc: network.vpc,
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      launchTemplate,
      minCapacity: group.min,
      maxCapacity: group.max,
      healthChecks: HealthChecks.ec2({ gracePeriod: READY }),
      defaultInstanceWarmup: Duration.minutes(2),
      groupMetrics: [GroupMetrics.all()],
      notifications: [{ topic, scalingEvents: ScalingEvents.ERRORS }],
      signals: Signals.waitForMinCapacity({ timeout: READY }),
      updatePolicy: UpdatePolicy.rollingUpdate({
        maxBatchSize: 1,
        minInstancesInService: group.min,
        pauseTime: READY,
        waitOnResourceSignals: true,
        suspendProcesses: [ScalingProcess.ALARM_NOTIFICATION, ScalingProcess.AZ_REBALANCE],
      }),
    })
    made.userData.addSignalOnExitCommand(made)
    // After the signal to CloudFormation, because giving up terminates the instance.
    made.userData.addOnExitCommands(GIVE_UP_IF_FAILED)
    serveBeforeService(made)
    Validations.of(made).acknowledge({
      id: 'AwsSolutions-AS3',
      reason:
        'Failed launches and terminations are told; each success would be a message for every scaling of the relays.',
    })
    return made
  }

  #drain(): void {
    this.group.addLifecycleHook('Drain', {
      lifecycleHookName: DRAIN_HOOK,
      lifecycleTransition: LifecycleTransition.INSTANCE_TERMINATING,
      heartbeatTimeout: SILENCE,
      defaultResult: DefaultResult.CONTINUE,
    })
  }

  /** Scales on the load that nodes report, and immediately if the network card counts packets that AWS held back. */
  #scale({ config, group, roles }: NodeGroupProps): void {
    this.group.scaleToTrackMetric('Load', {
      metric: loadOf(config.name, roles[0]),
      targetValue: group.targetLoad,
    })
    this.group.scaleOnMetric('Allowance', {
      metric: this.heldBack(),
      adjustmentType: AdjustmentType.CHANGE_IN_CAPACITY,
      scalingSteps: [
        { upper: 0, change: 0 },
        { lower: 1, change: +1 },
        { lower: 100_000, change: +2 },
      ],
      // If an agent reports twice in one minute, the sum rises in that minute and falls in the next. Two periods hide that.
      evaluationPeriods: 2,
      datapointsToAlarm: 2,
    })
  }

  /**
   * Packets per minute that AWS held back because an instance exceeded a network allowance: bandwidth, packet rate or
   * connection tracking. The network card's counters only grow, so this is their difference from minute to minute.
   */
  heldBack(): MathExpression {
    const counters = ['bw_in', 'bw_out', 'pps', 'conntrack'].map(
      (what) => `ethtool_${what}_allowance_exceeded`,
    )
    const dimensionsMap = { AutoScalingGroupName: this.name }
    const metrics = counters.map(
      (metricName) => new Metric({ namespace: NAMESPACE, metricName, dimensionsMap, statistic: Stats.SUM }),
    )
    const usingMetrics = Object.fromEntries(metrics.map((metric, i) => [`${this.node.id}${i}`, metric]))
    return new MathExpression({
      label: `${this.name}: held back`,
      expression: `DIFF(SUM([${Object.keys(usingMetrics).join(', ')}]))`,
      usingMetrics,
      period: Duration.minutes(1),
    })
  }
}

/**
 * Keeps a launching instance out of service until its node serves: the node completes this hook itself
 * (udp-edge/instance/lifecycle.ts). An instance that does not is replaced. The hook is a property of the group and not a
 * separate resource, so that it also holds for the group's first instances.
 */
function serveBeforeService(group: AutoScalingGroup): void {
  const made = group.node.defaultChild as CfnAutoScalingGroup
  made.lifecycleHookSpecificationList = [
    {
      lifecycleHookName: SERVE_HOOK,
      lifecycleTransition: LifecycleTransition.INSTANCE_LAUNCHING,
      heartbeatTimeout: READY.toSeconds(),
      defaultResult: DefaultResult.ABANDON,
    },
  ]
}

/** ARN of the group called `name` in the region of `scope`, with a wildcard for the id that AWS assigns. */
function groupArn(scope: Construct, name: string): string {
  const { partition, region, account } = Stack.of(scope)
  return `arn:${partition}:autoscaling:${region}:${account}:autoScalingGroup:*:autoScalingGroupName/${name}`
}

/** The ARN of `groupArn` as cdk-nag prints it in findings. */
function groupArnFinding(scope: Construct, name: string): string {
  const region = regionInFinding(Stack.of(scope).region)
  return `arn:<AWS::Partition>:autoscaling:${region}:<AWS::AccountId>:autoScalingGroup:*:autoScalingGroupName/${name}`
}

function encryptedDisk(): BlockDeviceVolume {
  return BlockDeviceVolume.ebs(DISK_GIB, { encrypted: true, volumeType: EbsDeviceVolumeType.GP3 })
}
