/** All verbs: the name, the description and the file of each. */
import type { Command } from 'commander'

export interface Verb {
  readonly name: string
  readonly description: string
  readonly load: () => Promise<Command>
}

export const VERBS: readonly Verb[] = [
  of('up', 'Stay online: answer offers, print what happens.', async () => (await import('./up.ts')).up),
  of('down', 'End the `up` of this home.', async () => (await import('./down.ts')).down),
  of(
    'status',
    'Say whether this home is up, or set your status.',
    async () => (await import('./status.ts')).status,
  ),
  of('logs', 'Print what happened to the `up` of this home.', async () => (await import('./logs.ts')).logs),
  of('whoami', 'Say who this peer is.', async () => (await import('./whoami.ts')).whoami),
  of(
    'find',
    'Find peers of your networks by name or a SCIM filter.',
    async () => (await import('./find.ts')).find,
  ),
  of(
    'presence',
    'Print who is there, and who comes and goes.',
    async () => (await import('./presence.ts')).presence,
  ),
  of(
    'message',
    'Send a message, which waits for a peer that is away.',
    async () => (await import('./message.ts')).message,
  ),
  of('send', 'Send files and folders to a peer that receives.', async () => (await import('./send.ts')).send),
  of(
    'receive',
    'Wait for files of peers of your networks.',
    async () => (await import('./receive.ts')).receive,
  ),
  of(
    'ping',
    'Open a tunnel to a peer that is `up` and measure it.',
    async () => (await import('./ping.ts')).ping,
  ),
  of(
    'forward',
    'Bring a TCP port of another peer to this machine.',
    async () => (await import('./forward.ts')).forward,
  ),
  of('networks', 'Print your networks, or create one.', async () => (await import('./networks.ts')).networks),
  of('members', 'Print the members of a network.', async () => (await import('./members.ts')).members),
  of('invite', 'Invite somebody, or a device of your own.', async () => (await import('./invite.ts')).invite),
  of(
    'block',
    'Take nothing from somebody, or print whom you block.',
    async () => (await import('./block.ts')).block,
  ),
  of('unblock', 'Take things from somebody again.', async () => (await import('./block.ts')).unblock),
  of('leave', 'Leave a network.', async () => (await import('./leave.ts')).leave),
  of(
    'doctor',
    'Say what stands between this machine and others.',
    async () => (await import('./doctor.ts')).doctor,
  ),
  of(
    'admin',
    'Administer a deployment with an API key: every operation of INDEX.',
    async () => (await import('./admin.ts')).admin,
  ),
  of('service', 'Keep `up` running: systemd or launchd.', async () => (await import('./service.ts')).service),
  of(
    'completion',
    'Print a completion script for a shell.',
    async () => (await import('./completion.ts')).completion,
  ),
]

function of(name: string, description: string, load: () => Promise<(description: string) => Command>): Verb {
  return { name, description, load: async () => (await load())(description) }
}
