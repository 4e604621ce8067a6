/**
 * The ports that one side of a step sends to, encoded as a short rule instead of a list:
 *
 *   first u16 · stride u16 · count u16 · leap u8 · seed u32 · skip u16 · draws u16
 *
 * The ports are `first`, `first + stride` and so on, `count` of them, modulo 65,536. With `leap`, one port is left out
 * after every `leap` ports: two NATs that count upwards drift apart by an unknown number of ports, so the aim must
 * drift too. With a seed, the ports come in a pseudo-random order, none twice. `draws` of that order are used, after
 * the first `skip`, which an earlier step used. `draws` of 0 means that there is no volley and the targets have ports
 * of their own.
 */
import type { Reader, Writer } from './cursor.ts'

export const VOLLEY_BYTES = 15
const PORTS = 0x10000
/** A multiplier near the golden section puts neighbours in the order far apart and covers the whole range early. */
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

/** The i-th port to send to, from 0 on. It is never 0, which is no valid port. */
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

/** Undefined if there is no volley. */
export function readVolley(reader: Reader): Volley | undefined {
  const [first, stride, count, leap] = [reader.u16(), reader.u16(), reader.u16(), reader.u8()]
  const [seed, skip, draws] = [reader.u32(), reader.u16(), reader.u16()]
  return draws > 0 && count > 0 ? { first, stride, count, leap, seed, skip, draws } : undefined
}

/** A multiplier coprime to the count, so that its multiples reach every number below the count once. */
function multiplierOf(count: number): number {
  let multiplier = Math.max(Math.floor(count * GOLDEN), 1)
  while (divisor(multiplier, count) !== 1) multiplier++
  return multiplier
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b)
}
