/** What a peer is told of its messages and offers, as errors that say what can be done. */
import { StraightwayError } from '../shared/errors.ts'
import type { ReceiptOutcome } from '../shared/wire/messages.ts'
import type { FinalOutcome } from '../shared/wire/offers.ts'

/** Undefined where the message was delivered or stored. */
export function messageRefusal(outcome: ReceiptOutcome): StraightwayError | undefined {
  switch (outcome) {
    case 'delivered':
    case 'stored':
      return undefined
    case 'blocked':
      return new StraightwayError('blocked', 'The recipient takes no messages from you.')
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

export function offerRefusal(outcome: FinalOutcome, reason: string): StraightwayError {
  switch (outcome) {
    case 'accepted':
    case 'refused':
      return new StraightwayError('refused', reason === '' ? 'The other peer refused.' : reason)
    case 'blocked':
      return new StraightwayError('blocked', 'The other peer takes no tunnels from you.')
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
