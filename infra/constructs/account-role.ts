import { RemovalPolicy, Validations } from 'aws-cdk-lib'
import { CfnAccount } from 'aws-cdk-lib/aws-apigateway'
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Construct, type IConstruct } from 'constructs'
import type { Config } from '../config.ts'

const WRITES_LOGS = 'service-role/AmazonAPIGatewayPushToCloudWatchLogs'

/**
 * The role with which API Gateway writes access logs. An account has one such role per region. Without it, creating a stage
 * with an access log fails. The role outlives the stack, because other APIs of the account use it too.
 */
export class AccountRole extends Construct {
  constructor(scope: Construct, id: string, { api }: Pick<Config, 'api'>) {
    super(scope, id)
    if (api.accountRole === 'exists') return
    const role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('apigateway.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName(WRITES_LOGS)],
    })
    role.applyRemovalPolicy(RemovalPolicy.RETAIN)
    const account = new CfnAccount(this, 'Account', { cloudWatchRoleArn: role.roleArn })
    account.applyRemovalPolicy(RemovalPolicy.RETAIN)
    account.node.addDependency(role)
    Validations.of(role).acknowledge({
      id: `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/${WRITES_LOGS}]`,
      reason: 'API Gateway accepts this policy only; AWS keeps in it what the service needs to write logs.',
    })
  }

  /** Makes `stage` depend on the role, so that CloudFormation creates the role first. */
  before(stage: IConstruct): void {
    stage.node.addDependency(this)
  }
}
