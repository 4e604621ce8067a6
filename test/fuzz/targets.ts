/** All fuzz targets, by name. */
import type { Target } from './fuzzer.ts'
import { checkpoint } from './targets/checkpoint.ts'
import { codecs } from './targets/codecs.ts'
import { handshake } from './targets/handshake.ts'
import { relay } from './targets/relay.ts'
import { stun } from './targets/stun.ts'
import { texts } from './targets/texts.ts'
import { tunnel } from './targets/tunnel.ts'

export const TARGETS: Readonly<Record<string, Target>> = {
  codecs,
  texts,
  stun,
  relay,
  handshake,
  tunnel,
  checkpoint,
}
