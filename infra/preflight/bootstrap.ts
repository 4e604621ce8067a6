import type { Check, Found } from './check.ts'
import { everyStack } from './stacks.ts'

/** Lowest bootstrap version that the templates of this CDK require. */
const VERSION = 6
const AWS_KEY = 'AWS_MANAGED_KEY'

/** Checks that the account is bootstrapped with a recent version, and that instances may read from the bootstrap bucket. */
export const bootstrap: Check = async ({ config, region, account, clients }) => {
  const { qualifier, bucketKey } = config.bootstrap
  const command = `npx cdk bootstrap aws://${account}/${region}${qualifier ? ` --qualifier ${qualifier}` : ''}`
  const found = (what: string): Found[] => [{ level: 'error', check: 'bootstrap', what, mend: command }]
  const outputs = await outputsOf(clients, qualifier)
  if (outputs === undefined) return found('The CDK is not bootstrapped here.')
  const version = Number(outputs.BootstrapVersion ?? 0)
  if (version < VERSION) return found(`The bootstrap has version ${version}, and ${VERSION} is needed.`)
  const key = outputs.FileAssetKeyArn
  if (key === undefined || key === AWS_KEY || key === bucketKey) return []
  return [
    {
      level: 'error',
      check: 'bootstrap-key',
      what: 'The bootstrap bucket is encrypted with a customer key, so instances could not download their files.',
      mend: `bootstrap: { bucketKey: '${key}' } in infra/environments.ts`,
    },
  ]
}

async function outputsOf(
  { cloudFormation }: Parameters<Check>[0]['clients'],
  qualifier: string | undefined,
): Promise<Record<string, string> | undefined> {
  const bootstraps = (await everyStack(cloudFormation)).filter(({ Outputs = [] }) =>
    Outputs.some(({ OutputKey }) => OutputKey === 'BootstrapVersion'),
  )
  const wanted = bootstraps.find(
    ({ StackName, Parameters = [] }) =>
      Parameters.find(({ ParameterKey }) => ParameterKey === 'Qualifier')?.ParameterValue === qualifier ||
      (qualifier === undefined && StackName === 'CDKToolkit'),
  )
  if (wanted === undefined) return undefined
  return Object.fromEntries(
    (wanted.Outputs ?? []).map(({ OutputKey, OutputValue }) => [OutputKey ?? '', OutputValue ?? '']),
  )
}
