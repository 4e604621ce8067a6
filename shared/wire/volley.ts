/**
 * Ports that one side of a step sends to, in the few bytes of a rule instead of a list:
 *
 *   first u16 · stride u16 · count u16 · leap u8 · seed u32 · skip u16 · draws u16
 *
 * They are `first`, `first + stride` and so on, `count` of them, modulo 65,536. With `leap` one is left out after each so
 * many: two NATs that count upwards drift apart by an unknown number of ports, and the aim must drift too. With a seed
 * they come in an order of its own, none twice; of that order `draws` are taken, after the first `skip`, which an earlier
 * step had. Draws of 0: there is no volley, the targets have ports of their own.
 */
import type { Reader, Writer } from './cursor.ts'

export const VOLLEY_BYTES = 15
const PORTS = 0x10000
/** Near the golden section of the count neighbours in the order are far apart, and the whole range is seen early. */
const GOLDEN = 0.618

export interface Volley {
  readonly first: number
  readonly stride: number
  readonly count: number
  readonly leap: number
  readonly seed: number
  readonly skip: number
  readonly draws: number
}

/** The i-th port to send to, from 0 on; never 0, where nobody listens. */
export function portOf({ first, stride, count, leap, seed, skip }: Volley, i: number): number {
  const drawn = (skip + i) % count
  const at = seed === 0 ? drawn : (seed + drawn * multiplierOf(count)) % count
  const leapt = leap === 0 ? 0 : Math.floor(at / leap)
  return (first + (at + leapt) * stride) % PORTS || 1
}

export function writeVolley(writer: Writer, volley: Volley | undefined): void {
  const { first = 0, stride = 0, count = 0, leap = 0, seed = 0, skip = 0, draws = 0 } = volley ?? {}
  writer.u16(first).u16(stride).u16(count).u8(leap).u32(seed).u16(skip).u16(draws)
}

/** Undefined where there is none. */
export function readVolley(reader: Reader): Volley | undefined {
  const [first, stride, count, leap] = [reader.u16(), reader.u16(), reader.u16(), reader.u8()]
  const [seed, skip, draws] = [reader.u32(), reader.u16(), reader.u16()]
  return draws > 0 && count > 0 ? { first, stride, count, leap, seed, skip, draws } : undefined
}

/** Without a divisor in common with the count, so that its multiples meet every number below the count once. */
function multiplierOf(count: number): number {
  let multiplier = Math.max(Math.floor(count * GOLDEN), 1)
  while (divisor(multiplier, count) !== 1) multiplier++
  return multiplier
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}
