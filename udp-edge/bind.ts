/** UDP sockets of a node: on the addon where this machine can run it, otherwise on dgram. */
import { openDgram } from './dgram-socket.ts'
import { udpAddon } from './native/addon.ts'
import { openNative } from './native-socket.ts'
import { bindWith } from './port-socket.ts'
import type { Bind } from './socket.ts'

export const bindDgram: Bind = bindWith(openDgram)

export const bindUdp: Bind = udpAddon === undefined ? bindDgram : bindWith(openNative(udpAddon))
