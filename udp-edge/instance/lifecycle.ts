/**
 * Ties the life of an instance to that of its node, by lifecycle hooks of the autoscaling group:
 *
 * - Once the node serves, the launch hook is completed, and the group counts the instance as in service.
 * - When the group terminates the instance, the instance metadata say so. The node drains, and heartbeats keep the
 *   termination hook open. It is completed when the node has ended, and only then does the instance end.
 */
import {
  type AutoScalingClient,
  CompleteLifecycleActionCommand,
  RecordLifecycleActionHeartbeatCommand,
} from '@aws-sdk/client-auto-scaling'
import type { Metadata } from './metadata.ts'

export interface LifecycleOptions {
  readonly metadata: Metadata
  readonly scaling: Pick<AutoScalingClient, 'send'>
  readonly group: string
  /** Names of the hooks at the start and at the end of an instance. */
  readonly hooks: { readonly serve: string; readonly drain: string }
  readonly everyMs: number
  /** Called once, when the group terminates the instance. */
  readonly onEnding: () => void
  readonly log: (what: string, error?: unknown) => void
}

type Phase = 'starting' | 'serving' | 'counted' | 'ending'

export class Lifecycle {
  readonly #options: LifecycleOptions
  #phase: Phase = 'starting'
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined

  constructor(options: LifecycleOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.#turn(), options.everyMs)
  }

  /** Reports that the node serves. The group is notified, with retries until that succeeds. */
  serves(): void {
    if (this.#phase !== 'starting') return
    this.#phase = 'serving'
    void this.#turn()
  }

  /** Reports that the node has ended. If the group waits for that, it is notified. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
    if (this.#phase !== 'ending') return
    const { hooks, log } = this.#options
    await this.#complete(hooks.drain).catch((error) =>
      log('the group could not be told that the node has drained', error),
    )
  }

  #turn(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error) => this.#options.log('the lifecycle of the instance cannot be seen', error))
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  async #look(): Promise<void> {
    const { metadata, scaling, hooks, onEnding } = this.#options
    if (this.#phase === 'ending') {
      await scaling.send(new RecordLifecycleActionHeartbeatCommand(await this.#action(hooks.drain)))
      return
    }
    if ((await metadata.read('meta-data/autoscaling/target-lifecycle-state')) === 'Terminated') {
      this.#phase = 'ending'
      onEnding()
      return
    }
    if (this.#phase === 'serving') await this.#count()
  }

  async #count(): Promise<void> {
    await this.#complete(this.#options.hooks.serve).catch((error: Error) => {
      // No hook is waiting: the node was restarted on an instance that is in service already.
      if (error.name !== 'ValidationError') throw error
    })
    if (this.#phase === 'serving') this.#phase = 'counted'
  }

  async #complete(hook: string): Promise<void> {
    const action = { ...(await this.#action(hook)), LifecycleActionResult: 'CONTINUE' }
    await this.#options.scaling.send(new CompleteLifecycleActionCommand(action))
  }

  async #action(hook: string) {
    const { metadata, group } = this.#options
    const InstanceId = await metadata.read('meta-data/instance-id')
    return { LifecycleHookName: hook, AutoScalingGroupName: group, InstanceId }
  }
}
