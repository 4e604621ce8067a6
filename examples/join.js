// How every example comes online: the environment says where INDEX is and has an invite (`npm start` prints both).
import { join } from 'straightway'

export function joinAs(name, options = {}) {
  const { STRAIGHTWAY_INDEX: index = 'http://127.0.0.1:8787', STRAIGHTWAY_INVITE: invite } = process.env
  return join({ index, name, ...(invite && { invite }), ...options })
}

/** Waits until somebody who matches is online. */
export async function untilFound(peer, filter) {
  for (;;) {
    const [found] = await peer.find(filter)
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** Leaves when the user or the system says so: the others see it immediately. */
export function leaveOnSignal(peer) {
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => peer.close().then(() => process.exit(0)))
}
