/**
 * The end of an instance. Its autoscaling group wants it gone: the metadata say so, the node drains, the group is told
 * again and again that it still does, and once when it has. Only then does the machine end.
 */
import {
  type AutoScalingClient,
  CompleteLifecycleActionCommand,
  RecordLifecycleActionHeartbeatCommand,
} from '@aws-sdk/client-auto-scaling'
import type { Metadata } from './metadata.ts'

export interface LifecycleOptions {
  readonly metadata: Metadata
  readonly scaling: AutoScalingClient
  readonly hook: string
  readonly group: string
  readonly everyMs: number
  /** Called once. */
  readonly onEnding: () => void
  readonly log: (what: string, error?: unknown) => void
}

export class Lifecycle {
  readonly #options: LifecycleOptions
  #ending = false
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined

  constructor(options: LifecycleOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.#turn(), options.everyMs)
  }

  /** The node has ended. Where the group waits for that it is told. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
    if (!this.#ending) return
    const { scaling, log } = this.#options
    const command = new CompleteLifecycleActionCommand({
      ...(await this.#action()),
      LifecycleActionResult: 'CONTINUE',
    })
    await scaling
      .send(command)
      .catch((error) => log('the group could not be told that the node has drained', error))
  }

  #turn(): Promise<void> | undefined {
    this.#looking ??= this.#look()
      .catch((error) => this.#options.log('the lifecycle of the instance cannot be seen', error))
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  async #look(): Promise<void> {
    const { metadata, scaling, onEnding } = this.#options
    if (this.#ending) {
      await scaling.send(new RecordLifecycleActionHeartbeatCommand(await this.#action()))
      return
    }
    if ((await metadata.read('meta-data/autoscaling/target-lifecycle-state')) !== 'Terminated') return
    this.#ending = true
    onEnding()
  }

  async #action() {
    const { metadata, hook, group } = this.#options
    const InstanceId = await metadata.read('meta-data/instance-id')
    return { LifecycleHookName: hook, AutoScalingGroupName: group, InstanceId }
  }
}
