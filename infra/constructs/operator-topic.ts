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
 * A topic that writes to the operator. Its policy names its publishers, because a topic with a policy of its own loses the
 * default one, which lets the account publish. Autoscaling publishes with its service-linked role, which is allowed to by
 * the policy of that role.
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
