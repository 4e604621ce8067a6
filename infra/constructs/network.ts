import { RemovalPolicy, Validations } from 'aws-cdk-lib'
import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  IpAddresses,
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
import { RELAY_TCP_PORT } from '../node-asset.ts'

type ExistingVpc = Extract<Config['network'], { readonly vpcId: string }>
type NewVpc = Exclude<Config['network'], ExistingVpc>

/**
 * The VPC and security groups of the fleet. It has only public subnets, with IPv4 and IPv6: a node needs its own public
 * address, and a NAT gateway would cost more than the nodes. DynamoDB and S3 are reached through gateway endpoints, which
 * are free and keep the traffic inside AWS.
 */
export class Network extends Construct {
  readonly vpc: IVpc
  /** Admits UDP. */
  readonly nodes: SecurityGroup
  /** Admits UDP, and TLS of peers without UDP. */
  readonly relays: SecurityGroup

  constructor(scope: Construct, id: string, config: Pick<Config, 'logDays' | 'network'>) {
    super(scope, id)
    this.vpc = 'vpcId' in config.network ? this.#adopt(config.network) : this.#make(config.network, config)
    this.nodes = this.#open('Nodes', 'Straightway nodes: UDP both ways, untracked; the host filters')
    this.relays = this.#open('Relays', 'Straightway relays: as nodes, and TLS of peers without UDP')
    const tls = Port.tcp(RELAY_TCP_PORT)
    this.relays.addIngressRule(Peer.anyIpv4(), tls, 'TLS over IPv4, untracked')
    this.relays.addIngressRule(Peer.anyIpv6(), tls, 'TLS over IPv6, untracked')
  }

  #make({ cidr, zones }: NewVpc, config: Pick<Config, 'logDays'>): IVpc {
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(cidr),
      ipProtocol: IpProtocol.DUAL_STACK,
      maxAzs: zones,
      natGateways: 0,
      subnetConfiguration: [{ name: 'nodes', subnetType: SubnetType.PUBLIC, mapPublicIpOnLaunch: true }],
      gatewayEndpoints: {
        tables: { service: GatewayVpcEndpointAwsService.DYNAMODB },
        assets: { service: GatewayVpcEndpointAwsService.S3 },
      },
    })
    this.#logRejected(vpc, config)
    return vpc as IVpc
  }

  /**
   * An existing VPC. Its ids come from the configuration and are not looked up, so synthesis needs no credentials. Flow
   * logs and endpoints are left to the team that owns the VPC.
   */
  #adopt({ vpcId, subnets }: ExistingVpc): IVpc {
    return Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId,
      availabilityZones: subnets.map(({ zone }) => zone),
      publicSubnetIds: subnets.map(({ id }) => id),
    })
  }

  /** Logs rejected flows only: one log line per flow of every peer would cost more than the nodes. */
  #logRejected(vpc: Vpc, { logDays }: Pick<Config, 'logDays'>): void {
    const log = new LogGroup(this, 'Rejected', {
      retention: logDays as RetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    })
    vpc.addFlowLog('Rejected', {
      destination: FlowLogDestination.toCloudWatchLogs(log),
      trafficType: FlowLogTrafficType.REJECT,
    })
  }

  /**
   * A security group that admits all UDP in both directions. Only relays admit anything else from outside: TLS. A security
   * group tracks every flow that its rules do not fully open, and drops packets when its tracking table is full. So the
   * filtering is done by the host's packet filter (infra/node-units.ts), which tracks nothing.
   */
  #open(id: string, description: string): SecurityGroup {
    const group = new SecurityGroup(this, id, {
      vpc: this.vpc,
      description,
      allowAllOutbound: true,
      allowAllIpv6Outbound: true,
    })
    group.addIngressRule(Peer.anyIpv4(), Port.allUdp(), 'UDP over IPv4, untracked')
    group.addIngressRule(Peer.anyIpv6(), Port.allUdp(), 'UDP over IPv6, untracked')
    const reason =
      'Peers are anywhere, and only rules that are open both ways are untracked; the packet filter of the host admits six UDP ports, and of a relay TCP 443.'
    Validations.of(group).acknowledge(
      { id: 'AwsSolutions-EC23', reason },
      { id: 'CloudFormation-Validate::W2508', reason },
    )
    return group
  }
}
