import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { StraightwayError } from '../../shared/errors.ts'

/** Runs the CDK CLI and shows its output. Errors: `unavailable` if it fails. */
export async function cdk(arguments_: readonly string[], region: string): Promise<void> {
  const cli = join(dirname(createRequire(import.meta.url).resolve('aws-cdk/package.json')), 'bin/cdk')
  const child = spawn(process.execPath, [cli, ...arguments_], {
    stdio: 'inherit',
    env: { ...process.env, AWS_REGION: region },
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new StraightwayError('unavailable', `cdk ${arguments_[0]} failed`)
}
