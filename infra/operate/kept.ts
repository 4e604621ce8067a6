/** Resources that outlive the stacks of a system: those with a `Retain` deletion policy in the deployed template. */
import {
  type CloudFormationClient,
  GetTemplateCommand,
  ListStackResourcesCommand,
} from '@aws-sdk/client-cloudformation'

export interface Kept {
  readonly type: string
  readonly logicalId: string
  /** Name or ARN. */
  readonly physicalId: string
  /** The command that deletes it by hand. */
  readonly remove: string
}

interface Template {
  readonly Resources?: Readonly<Record<string, { readonly DeletionPolicy?: string }>>
}

export async function keptBy(
  client: CloudFormationClient,
  StackName: string,
  region: string,
): Promise<Kept[]> {
  const { TemplateBody = '{}' } = await client.send(new GetTemplateCommand({ StackName }))
  const { Resources = {} } = JSON.parse(TemplateBody) as Template
  const kept: Kept[] = []
  let NextToken: string | undefined
  do {
    const page = await client.send(new ListStackResourcesCommand({ StackName, NextToken }))
    for (const {
      LogicalResourceId: logicalId = '',
      PhysicalResourceId: physicalId = '',
      ResourceType: type = '',
      ResourceStatus: status,
    } of page.StackResourceSummaries ?? [])
      if (status !== 'DELETE_COMPLETE' && Resources[logicalId]?.DeletionPolicy?.startsWith('Retain'))
        kept.push({ type, logicalId, physicalId, remove: removalOf(type, physicalId, region) })
    NextToken = page.NextToken
  } while (NextToken !== undefined)
  return kept
}

function removalOf(type: string, id: string, region: string): string {
  switch (type) {
    case 'AWS::DynamoDB::GlobalTable':
      return `aws dynamodb delete-table --region ${region} --table-name ${id}, after update-table --no-deletion-protection-enabled`
    case 'AWS::SecretsManager::Secret':
      return `aws secretsmanager delete-secret --region ${region} --secret-id ${id}`
    case 'AWS::Logs::LogGroup':
      return `aws logs delete-log-group --region ${region} --log-group-name ${id}`
    case 'AWS::IAM::Role':
      return `aws iam delete-role --role-name ${id}, if no other API of the account logs with it`
    default:
      return 'a setting of the account, which stays'
  }
}
