/** Outcomes of messages and calls as errors that say what can be done. */
import { StraightwayError } from '../../errors.ts'
import { WHY_NOT_DIRECT, type WhyNotDirect } from '../../why-not-direct.ts'
import type { ReceiptOutcome } from '../../wire/messages.ts'
import type { FinalOutcome } from '../../wire/offers.ts'
import type { TunnelEnd } from '../tunnel/events.ts'
import type { CallFailure } from './events.ts'

/** The error for a receipt; undefined if the message was delivered or stored. */
export function messageRefusal(outcome: ReceiptOutcome): StraightwayError | undefined {
  switch (outcome) {
    case 'delivered':
    case 'stored':
      return undefined
    case 'unreadable':
      return new StraightwayError(
        'unreadable',
        'The recipient could not open the message: something on the way changed it.',
      )
    case 'mailboxFull':
      return new StraightwayError(
        'mailbox-full',
        'The recipient is away and its mailbox is full: try again later.',
      )
    case 'tooLarge':
      return new StraightwayError('too-large', 'The message is too long: use a tunnel.')
    case 'rateLimited':
      return new StraightwayError('rate-limited', 'Too many messages: send fewer a second, or use a tunnel.')
    case 'unknownPeer':
    case 'taken':
    case 'notHere':
      return new StraightwayError(
        'unknown-peer',
        'There is no such peer, or none that shares a network with you.',
      )
  }
}

export const TUNNEL_ENDS: Readonly<Record<TunnelEnd, string>> = {
  closed: 'The tunnel was closed.',
  closedByOther: 'The other side closed the tunnel.',
  noDirectPath: 'There is no direct path, and only a direct one was wanted.',
  unreachable: 'The other side cannot be reached, neither directly nor over a relay.',
}

/** The error for a call that gave no tunnel. */
export function callFailure(why: CallFailure): StraightwayError {
  switch (why.kind) {
    case 'refused':
      return offerRefusal(why.outcome, why.reason)
    case 'timeout':
      return new StraightwayError('timeout', 'There was no tunnel in the time given: `timeoutMs`.')
    case 'stopped':
      return new StraightwayError('closed', 'The attempt was stopped.')
    case 'decided':
      return new StraightwayError('conflict', 'This offer has been decided already, or was not in time.')
    case 'noSocket':
      return new StraightwayError(
        'unavailable',
        'The system gives no UDP port: check its limits and firewall.',
      )
    case 'noPath':
      return noPath(why.end, why.whyNotDirect)
    case 'closed':
      return new StraightwayError('closed', 'The peer was closed.')
  }
}

function noPath(end: TunnelEnd, why: WhyNotDirect | undefined): StraightwayError {
  const isOver = end === 'closed' || end === 'closedByOther'
  const advice = isOver || why === undefined ? '' : ` ${why}: ${WHY_NOT_DIRECT[why].advice}`
  return new StraightwayError(isOver ? 'closed' : 'timeout', `${TUNNEL_ENDS[end]}${advice}`)
}

/** Texts for the reasons that an endpoint gives by itself. Any other reason is the application's own text. */
const REFUSALS: Readonly<Record<string, string>> = {
  '': 'The other peer refused.',
  paths: 'The two sides want paths that exclude each other.',
}

function offerRefusal(outcome: FinalOutcome, reason: string): StraightwayError {
  switch (outcome) {
    case 'accepted':
    case 'refused':
      return new StraightwayError('refused', REFUSALS[reason] ?? reason)
    case 'unknownPeer':
      return new StraightwayError(
        'unknown-peer',
        'There is no such peer, or none that shares a network with you.',
      )
    case 'offline':
      return new StraightwayError(
        'peer-offline',
        'The other peer is not online: send it a message, which waits.',
      )
    case 'policy':
      return new StraightwayError('forbidden', 'A network that you share does not allow tunnels.')
    case 'rateLimited':
      return new StraightwayError('rate-limited', 'Too many offers: make fewer a second.')
    case 'unavailable':
      return new StraightwayError('unavailable', 'No HANDSHAKE is running: check the nodes.')
  }
}
