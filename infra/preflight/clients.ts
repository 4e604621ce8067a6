/** The AWS clients of operator commands, all for one region. */
import { ACMClient } from '@aws-sdk/client-acm'
import { APIGatewayClient } from '@aws-sdk/client-api-gateway'
import { CloudFormationClient } from '@aws-sdk/client-cloudformation'
import { CostExplorerClient } from '@aws-sdk/client-cost-explorer'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { EC2Client } from '@aws-sdk/client-ec2'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { ServiceQuotasClient } from '@aws-sdk/client-service-quotas'
import { STSClient } from '@aws-sdk/client-sts'

export interface Clients {
  readonly acm: ACMClient
  readonly apiGateway: APIGatewayClient
  readonly cloudFormation: CloudFormationClient
  readonly costs: CostExplorerClient
  readonly dynamodb: DynamoDBClient
  readonly ec2: EC2Client
  readonly lambda: LambdaClient
  readonly quotas: ServiceQuotasClient
  readonly secrets: SecretsManagerClient
  readonly sts: STSClient
  close(): void
}

/** Creates the clients. Credentials and endpoint come from the environment, as for every AWS client. */
export function createClients(region: string): Clients {
  const here = { region, maxAttempts: 3 }
  const clients = {
    acm: new ACMClient(here),
    apiGateway: new APIGatewayClient(here),
    cloudFormation: new CloudFormationClient(here),
    // Cost Explorer has one endpoint for all regions.
    costs: new CostExplorerClient({ ...here, region: 'us-east-1' }),
    dynamodb: new DynamoDBClient(here),
    ec2: new EC2Client(here),
    lambda: new LambdaClient(here),
    quotas: new ServiceQuotasClient(here),
    secrets: new SecretsManagerClient(here),
    sts: new STSClient(here),
  }
  const close = () => {
    for (const client of Object.values(clients)) client.destroy()
  }
  return { ...clients, close }
}
