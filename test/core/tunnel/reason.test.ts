import { expect, test } from 'vitest'
import { Reason } from '../../../shared/core/tunnel/reason.ts'

test('the last reason counts, unless the relay is better than a direct path that exists', () => {
  const choice = { relayBetter: false }
  const reason = new Reason('auto', choice)
  expect(reason.why).toBe('not-yet')
  reason.found('both-symmetric')
  reason.found('path-died')
  expect(reason.why).toBe('path-died')
  choice.relayBetter = true
  expect(reason.why).toBe('relay-better')
})

test('with relay-only it is the policy, whatever happens', () => {
  const reason = new Reason('relay-only', { relayBetter: false })
  reason.found('udp-blocked')
  expect(reason.why).toBe('policy')
})
