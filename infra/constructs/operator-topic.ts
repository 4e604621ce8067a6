import { Stack } from 'aws-cdk-lib'
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import type { Construct } from 'constructs'
import type { Config } from '../config.ts'

export interface OperatorTopicProps {
  readonly config: Pick<Config, 'alarmEmail'>
  readonly topicName?: string
}

/**
 * An SNS topic that e-mails the operator, if `alarmEmail` is set. `enforceSSL` gives the topic a policy, which replaces the
 * default policy that lets the whole account publish. So the policy names CloudWatch as a publisher. Autoscaling needs no
 * entry: it publishes with its service-linked role, whose own policy allows that.
 */
export function operatorTopic(
  scope: Construct,
  id: string,
  { config, topicName }: OperatorTopicProps,
): Topic {
  const topic = new Topic(scope, id, { enforceSSL: true, ...(topicName && { topicName }) })
  if (config.alarmEmail !== undefined) topic.addSubscription(new EmailSubscription(config.alarmEmail))
  const { partition, region, account } = Stack.of(scope)
  topic.addToResourcePolicy(
    new PolicyStatement({
      principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: {
        StringEquals: { 'aws:SourceAccount': account },
        ArnLike: { 'aws:SourceArn': `arn:${partition}:cloudwatch:${region}:${account}:alarm:*` },
      },
    }),
  )
  return topic
}
