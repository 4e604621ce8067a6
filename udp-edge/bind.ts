/** UDP sockets of a node. They use the native addon if this machine can load it, and Node's dgram otherwise. */
import { openDgram } from './dgram-socket.ts'
import { udpAddon } from './native/addon.ts'
import { openNative } from './native-socket.ts'
import { bindWith } from './port-socket.ts'
import type { Bind } from './socket.ts'

export const bindDgram: Bind = bindWith(openDgram)

export const bindUdp: Bind = udpAddon === undefined ? bindDgram : bindWith(openNative(udpAddon))
