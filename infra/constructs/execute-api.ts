import { Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import type { Config } from '../config.ts'

/** URL of an API's stage. On AWS the API has its own host name; an emulator serves all APIs under one host, by path. */
export function executeApi(
  scope: Construct,
  { emulator }: Pick<Config, 'emulator'>,
  scheme: 'http' | 'ws',
  apiId: string,
  stage: string,
): string {
  if (emulator !== undefined) {
    const { host } = new URL(emulator.endpoint)
    return `${scheme}://${host}/_aws/execute-api/${apiId}/${stage}`
  }
  const { region, urlSuffix } = Stack.of(scope)
  return `${scheme}s://${apiId}.execute-api.${region}.${urlSuffix}/${stage}`
}
