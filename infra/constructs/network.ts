import { RemovalPolicy, Validations } from 'aws-cdk-lib'
import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  IpProtocol,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2'
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import type { Config } from '../config.ts'

const ZONES = 2

/**
 * Public subnets only, with IPv4 and IPv6: a node needs an address of its own, and a NAT gateway would cost more than the
 * nodes. DynamoDB is reached through the gateway endpoint, which is free and stays inside AWS.
 */
export class Network extends Construct {
  readonly vpc: IVpc
  readonly securityGroup: SecurityGroup

  constructor(scope: Construct, id: string, config: Pick<Config, 'logDays'>) {
    super(scope, id)
    const vpc = new Vpc(this, 'Vpc', {
      ipProtocol: IpProtocol.DUAL_STACK,
      maxAzs: ZONES,
      natGateways: 0,
      subnetConfiguration: [{ name: 'nodes', subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: true }],
      gatewayEndpoints: {
        tables: { service: GatewayVpcEndpointAwsService.DYNAMODB },
        assets: { service: GatewayVpcEndpointAwsService.S3 },
      },
    })
    this.vpc = vpc as IVpc
    this.#logRejected(config)
    this.securityGroup = this.#open()
  }

  /** Only what was refused: a line for every flow of every peer would cost more than the nodes. */
  #logRejected({ logDays }: Pick<Config, 'logDays'>): void {
    const log = new LogGroup(this, 'Rejected', {
      retention: logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    this.vpc.addFlowLog('Rejected', {
      destination: FlowLogDestination.toCloudWatchLogs(log),
      trafficType: FlowLogTrafficType.REJECT,
    })
  }

  /**
   * Open both ways for UDP, and for nothing else from outside. A security group tracks every flow that is not, and drops
   * packets when its table is full; so filtering is the host's (infra/node-units.ts), which tracks nothing.
   */
  #open(): SecurityGroup {
    const group = new SecurityGroup(this, 'Nodes', {
      vpc: this.vpc,
      description: 'Straightway nodes: UDP both ways, untracked; the host filters',
      allowAllOutbound: true,
      allowAllIpv6Outbound: true,
    })
    group.addIngressRule(Peer.anyIpv4(), Port.allUdp(), 'UDP over IPv4, untracked')
    group.addIngressRule(Peer.anyIpv6(), Port.allUdp(), 'UDP over IPv6, untracked')
    const reason =
      'Peers are anywhere, and only rules that are open both ways are untracked; the packet filter of the host admits five UDP ports.'
    Validations.of(group).acknowledge(
      { id: 'AwsSolutions-EC23', reason },
      { id: 'CloudFormation-Validate::W2508', reason },
    )
    return group
  }
}
