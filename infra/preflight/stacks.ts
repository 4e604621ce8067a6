import { type CloudFormationClient, DescribeStacksCommand, type Stack } from '@aws-sdk/client-cloudformation'
import type { Config } from '../config.ts'

/** Every stack in the client's account and region, except deleted ones. CloudFormation lists 100 on a page. */
export async function everyStack(client: CloudFormationClient): Promise<Stack[]> {
  const stacks: Stack[] = []
  let NextToken: string | undefined
  do {
    const page = await client.send(new DescribeStacksCommand({ NextToken }))
    stacks.push(...(page.Stacks ?? []))
    NextToken = page.NextToken
  } while (NextToken !== undefined)
  return stacks.filter(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE')
}

/** The stacks of one environment. Those of an environment whose name begins alike, such as `prod-eu` and `prod`, are not. */
export async function stacksOfEnvironment(
  client: CloudFormationClient,
  { name }: Pick<Config, 'name'>,
): Promise<Stack[]> {
  const own = new RegExp(`^straightway-${name}-(data|api|edge|watch)(-[a-z]{2}(-[a-z]+)+-\\d+)?$`)
  return (await everyStack(client)).filter(({ StackName = '' }) => own.test(StackName))
}
