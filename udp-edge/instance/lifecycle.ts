/**
 * The part of a node in the life of its instance. The autoscaling group counts the instance once the node says that it
 * serves. When the group wants the instance gone the metadata say so: the node drains, the group is told again and again
 * that it still does, and once when it has. Only then does the machine end.
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
  /** Called once. */
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

  /** The node serves. The group is told until it has heard. */
  serves(): void {
    if (this.#phase !== 'starting') return
    this.#phase = 'serving'
    void this.#turn()
  }

  /** The node has ended. A group that waits for that is told. */
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
      // Nothing waits for it: the node was started again on an instance that is in service.
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
