/** In place of `pure-ml-kem.ts` where no tunnel has keys of ours to mix it into, as in a page, whose tunnels are DTLS's. */
import type { MlKem } from './primitives.ts'

export const mlKem: MlKem | undefined = undefined
