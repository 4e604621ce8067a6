import type { Machine } from '../../shared/core/machine.ts'
import { Loop } from '../../shared/drive/loop.ts'
import type { Batch } from '../../shared/wire/batch.ts'

export interface DriveOptions<Input, Effect> {
  /** Sends datagram i of the batch by the socket it names. */
  readonly send: (batch: Batch, i: number) => void
  readonly perform: (effect: Effect) => void
  /** The machine threw. `input` is what it threw at, if it was one; it has no effect any more. */
  readonly fault: (error: unknown, input?: Input) => void
}

/**
 * A machine of a peer on udx sockets. What a listener of the application throws goes to the process, as with every
 * emitter, and the loop goes on.
 */
export function drive<Input, Effect>(
  machine: Machine<Input, Effect>,
  { send, perform, fault }: DriveOptions<Input, Effect>,
): Loop<Input, Effect> {
  return new Loop(machine, {
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
