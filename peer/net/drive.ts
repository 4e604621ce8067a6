import type { Machine } from '../../shared/core/machine.ts'
import { Loop } from '../../shared/drive/loop.ts'
import { tracedIfAsked } from '../../shared/drive/traced.ts'
import type { Batch } from '../../shared/wire/batch.ts'

export interface DriveOptions<Input, Effect> {
  /** Sends datagram i of the batch from the socket that it names. */
  readonly send: (batch: Batch, i: number) => void
  readonly perform: (effect: Effect) => void
  /** Reports that the machine threw. `input`: the input that it threw at, if any, which has no effect. */
  readonly fault: (error: unknown, input?: Input) => void
}

/**
 * Runs a machine of a peer on udx sockets. An exception of an application's listener goes to the process, as with every
 * emitter, and the loop continues. STRAIGHTWAY_TRACE shows each step.
 */
export function drive<Input, Effect>(
  machine: Machine<Input, Effect>,
  { send, perform, fault }: DriveOptions<Input, Effect>,
): Loop<Input, Effect> {
  return new Loop(tracedIfAsked('peer', machine), {
    send: (out) => {
      for (let i = 0; i < out.count; i++) send(out, i)
      return false
    },
    perform: (effect) => {
      perform(effect)
      return undefined
    },
    fault: (told) => {
      if (told.kind === 'effect') throwLater(told.error)
      else fault(told.error, told.kind === 'input' ? told.input : undefined)
    },
  })
}

function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error
  })
}
