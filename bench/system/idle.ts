/** Measures the memory of an idle tunnel end: two peers with many tunnels between them, on the system of `npm start`. */
import type { Dialogue } from '../../test/natlab/dialogue.ts'
import { SystemHere } from './here.ts'

export interface IdleResult {
  readonly tunnels: number
  /** Resident memory of the process for each end, at the side that offered and at the other one. */
  readonly bytesPerEnd: { readonly offering: number; readonly accepting: number }
  /** The part of it in the heap and in its buffers. */
  readonly heapBytesPerEnd: { readonly offering: number; readonly accepting: number }
}

interface Memory {
  readonly bytes: number
  readonly heapBytes: number
}

/** Tunnels that are opened before memory is read first, so that what is allocated once is not counted. */
const FIRST = 20
/** After this time a tunnel is on its path for good, and what traversal needed is gone. */
const SETTLE_MS = 15_000

export async function benchIdle(tunnels: number): Promise<IdleResult> {
  await using system = await SystemHere.start()
  const sides = ['offering', 'accepting'].map((name) =>
    system.run('idle-end.ts', system.index, system.invite, system.home(name)),
  )
  const dialogues = sides.map(({ dialogue }) => dialogue) as [Dialogue, Dialogue]
  const [, other] = await Promise.all(dialogues.map((each) => each.next<{ peer: string }>()))
  const open = async (count: number): Promise<readonly Memory[]> => {
    dialogues[0].say({ to: other!.peer, tunnels: count })
    await dialogues[0].next()
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS))
    for (const each of dialogues) each.say({})
    return (await Promise.all(dialogues.map((each) => each.next<Memory>()))).map((one) => one!)
  }
  const before = await open(FIRST)
  const after = await open(tunnels)
  const each = (of: keyof Memory) => {
    const [offering, accepting] = [0, 1].map((i) => Math.round((after[i]![of] - before[i]![of]) / tunnels))
    return { offering: offering!, accepting: accepting! }
  }
  return { tunnels, bytesPerEnd: each('bytes'), heapBytesPerEnd: each('heapBytes') }
}
