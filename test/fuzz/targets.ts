/** Everything that is fuzzed, by name. */
import type { Target } from './fuzzer.ts'
import { codecs } from './targets/codecs.ts'

export const TARGETS: Readonly<Record<string, Target>> = { codecs }
