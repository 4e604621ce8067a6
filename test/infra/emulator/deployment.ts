/** State shared by all files of the suite: the stacks, deployed once into an emulator. */
import type { TestProject } from 'vitest/node'
import { connection } from '../../../local/cloud/cdk.ts'
import { deployTo } from '../../../local/cloud/deployed.ts'
import { startEmulator } from '../../../local/cloud/emulator.ts'
import { PREFIX } from '../../../local/cloud/names.ts'

const log = () => {}

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const emulator = await startEmulator(console.warn)
  const { endpoint } = emulator
  try {
    const deployed = await deployTo(endpoint, log)
    deployed.cdk.close()
    project.provide('deployed', {
      endpoint,
      region: connection(endpoint).region,
      index: deployed.index,
      gateway: deployed.gateway,
      tablePrefix: PREFIX,
      adminKey: await deployed.found(),
    })
    return () => emulator.close()
  } catch (error) {
    await emulator.close()
    throw error
  }
}
