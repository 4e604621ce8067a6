import { CfnWebACL, CfnWebACLAssociation } from 'aws-cdk-lib/aws-wafv2'
import { Construct } from 'constructs'
import { type Config, prefixOf } from '../config.ts'

/**
 * A WAF in front of an API stage, with three rules: a limit of requests per IP address in five minutes (429 above it),
 * AWS's list of addresses with a bad reputation, and AWS's list of known bad inputs.
 */
export class Firewall extends Construct {
  constructor(scope: Construct, id: string, config: Pick<Config, 'name' | 'api'>, stageArn: string) {
    super(scope, id)
    const acl = new CfnWebACL(this, 'Acl', {
      name: `${prefixOf(config)}index`,
      scope: 'REGIONAL',
      defaultAction: { allow: {} },
      visibilityConfig: visibility('index'),
      rules: [
        ratePerAddress(config.api.requestsPerAddress),
        managed('AWSManagedRulesAmazonIpReputationList', 1),
        managed('AWSManagedRulesKnownBadInputsRuleSet', 2),
      ],
    })
    new CfnWebACLAssociation(this, 'Association', { webAclArn: acl.attrArn, resourceArn: stageArn })
  }
}

function ratePerAddress(limit: number): CfnWebACL.RuleProperty {
  return {
    name: 'rate',
    priority: 0,
    action: { block: { customResponse: { responseCode: 429 } } },
    statement: { rateBasedStatement: { limit, aggregateKeyType: 'IP', evaluationWindowSec: 300 } },
    visibilityConfig: visibility('rate'),
  }
}

function managed(name: string, priority: number): CfnWebACL.RuleProperty {
  return {
    name,
    priority,
    overrideAction: { none: {} },
    statement: { managedRuleGroupStatement: { vendorName: 'AWS', name } },
    visibilityConfig: visibility(name),
  }
}

function visibility(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { metricName, cloudWatchMetricsEnabled: true, sampledRequestsEnabled: true }
}
