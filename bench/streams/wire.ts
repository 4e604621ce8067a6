/** Two hosts in network namespaces, joined by a wire with a delay and losses of its own. */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Dialogue } from '../../test/natlab/dialogue.ts'
import { type End, Namespaces } from '../../test/natlab/namespaces.ts'
import { slowWire } from '../../test/natlab/slow-wire.ts'

export type Side = 'left' | 'right'

export const ADDRESS: Readonly<Record<Side, string>> = { left: '10.77.0.1', right: '10.77.0.2' }
/** Second address of the left side, for the second STUN server. */
export const SECOND = '10.77.0.3'

export interface WireKind {
  /** Round trip in milliseconds; 0: the two ends are a veth pair. */
  readonly roundTripMs: number
  /** Share of packets that the wire drops, 0 to 1. */
  readonly loss: number
}

export class Wire implements AsyncDisposable {
  /** Process of the wire; undefined if the kernel is the wire. */
  readonly pid: number | undefined
  readonly #namespaces: Namespaces

  private constructor(namespaces: Namespaces, pid: number | undefined) {
    this.#namespaces = namespaces
    this.pid = pid
  }

  static async make({ roundTripMs, loss }: WireKind): Promise<Wire> {
    const namespaces = new Namespaces()
    for (const side of ['left', 'right']) namespaces.add(side)
    const left: End = { at: 'left', name: 'wire', addresses: [`${ADDRESS.left}/24`, `${SECOND}/24`] }
    const right: End = { at: 'right', name: 'wire', addresses: [`${ADDRESS.right}/24`] }
    const isPlain = roundTripMs === 0 && loss === 0
    if (isPlain) namespaces.wire(left, right)
    const shim = isPlain ? undefined : await slowWire(namespaces, left, right, roundTripMs / 2, loss)
    for (const [at, to] of [
      ['left', ADDRESS.right],
      ['right', ADDRESS.left],
    ] as const)
      namespaces.route(at, 'default', to)
    return new Wire(namespaces, shim?.pid)
  }

  /** Runs a script of this folder on a side, with the process id for its CPU time. */
  run(side: Side, script: string, ...args: readonly string[]): { dialogue: Dialogue; pid: number } {
    const file = fileURLToPath(new URL(script, import.meta.url))
    const child = this.spawn(side, [process.execPath, file, ...args])
    return { dialogue: new Dialogue(child), pid: child.pid! }
  }

  spawn(side: Side, command: readonly string[]): ChildProcess {
    return this.#namespaces.spawn(side, command, { stdio: ['pipe', 'pipe', 'ignore'] })
  }

  async exec(side: Side, command: readonly string[]): Promise<string> {
    return await this.#namespaces.run(side, command)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#namespaces.close()
  }
}
