/** The policies of a system: those of each role, and those on each resource. */
import { type Policies, type Request, type Statement, type Verdict, verdictOn } from './evaluate.ts'
import { ACCOUNT, type Resource } from './resolve.ts'

/** The service-linked role with which autoscaling publishes notifications and manages instances. AWS creates it. */
export const AUTOSCALING_ROLE = `arn:aws:iam::${ACCOUNT}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`

const allow = (Action: readonly string[]): Statement => ({ Effect: 'Allow', Action, Resource: '*' })

/** The statements of AWS-managed policies that roles here have, reduced to the actions that the arrows need. */
const MANAGED: Readonly<Record<string, readonly Statement[]>> = {
  AmazonAPIGatewayPushToCloudWatchLogs: [
    allow(['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents']),
  ],
  AmazonSSMManagedInstanceCore: [allow(['ssm:UpdateInstanceInformation', 'ssmmessages:OpenDataChannel'])],
}
const SERVICE_ROLES: Readonly<Record<string, readonly Statement[]>> = {
  [AUTOSCALING_ROLE]: [allow(['sns:Publish', 'ec2:RunInstances', 'ec2:TerminateInstances'])],
}

interface Document {
  readonly Statement: readonly Statement[]
}

export class Account {
  readonly resources: readonly Resource[]

  constructor(resources: readonly Resource[]) {
    this.resources = resources
  }

  all(type: string): Resource[] {
    return this.resources.filter((resource) => resource.type === type)
  }

  decide(request: Request): Verdict {
    return verdictOn(request, this.#policiesFor(request))
  }

  #policiesFor({ principal, resource }: Request): Policies {
    return { identity: this.#identityOf(principal), resource: this.#onResource(resource) }
  }

  #identityOf(arn: string): readonly Statement[] {
    const role = this.all('AWS::IAM::Role').find((each) => each.arn === arn)
    if (role === undefined) return SERVICE_ROLES[arn] ?? []
    const name = arn.split('/').at(-1)!
    const attached = this.all('AWS::IAM::Policy').filter(({ properties }) =>
      (properties.Roles as readonly string[]).includes(name),
    )
    const { ManagedPolicyArns = [], Policies = [] } = role.properties as {
      readonly ManagedPolicyArns?: readonly string[]
      readonly Policies?: readonly { readonly PolicyDocument: Document }[]
    }
    return [
      ...attached.flatMap(({ properties }) => (properties.PolicyDocument as Document).Statement),
      ...Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement),
      ...ManagedPolicyArns.flatMap((managed) => MANAGED[managed.split('/').at(-1)!] ?? []),
    ]
  }

  #onResource(arn: string): readonly Statement[] {
    const ofTopics = this.all('AWS::SNS::TopicPolicy').filter(({ properties }) =>
      (properties.Topics as readonly string[]).includes(arn),
    )
    const ofQueues = this.all('AWS::SQS::QueuePolicy').filter(({ properties }) =>
      (properties.Queues as readonly string[]).includes(arn.split(':').at(-1)!),
    )
    const trust = this.all('AWS::IAM::Role')
      .filter((role) => role.arn === arn)
      .flatMap(({ properties }) => (properties.AssumeRolePolicyDocument as Document).Statement)
    return [
      ...[...ofTopics, ...ofQueues].flatMap(
        ({ properties }) => (properties.PolicyDocument as Document).Statement,
      ),
      ...trust,
      ...this.all('AWS::Lambda::Permission')
        .filter(({ properties }) => properties.FunctionName === arn)
        .map(({ properties }) => statementOf(properties)),
    ]
  }
}

function statementOf({ Action, FunctionName, Principal, SourceArn }: Resource['properties']): Statement {
  return {
    Effect: 'Allow',
    Action: String(Action),
    Resource: String(FunctionName),
    Principal: { Service: String(Principal) },
    ...(SourceArn !== undefined && { Condition: { ArnLike: { 'aws:sourcearn': String(SourceArn) } } }),
  }
}
