/** The fuzzer finds faults planted in the code of the machines, one for each guarantee. */
import { expect, test } from 'vitest'
import { readCorpus } from './corpus.ts'
import { loadCovered } from './coverage.ts'
import { Fuzzer } from './fuzzer.ts'
import type * as Targets from './targets.ts'

const MOST_EXECUTIONS = 20_000
const MOST_MS = 40_000

test.each([
  {
    target: 'tunnel',
    fault: 'an address that is not validated has no credit to keep to',
    file: 'shared/core/address-credit.ts',
    from: 'if (length > this.bytes) return false',
    to: '',
    found: 'a third party was sent more than three times what came',
  },
  {
    target: 'tunnel',
    fault: 'a packet that came before is read again',
    file: 'shared/crypto/replay-window.ts',
    from: 'if (counter > this.#greatest) return true',
    to: 'return true',
    found: 'a datagram was delivered twice',
  },
  {
    target: 'tunnel',
    fault: 'packets are read without their seal',
    file: 'shared/crypto/channel.ts',
    from: 'if (!decrypts(text, header, epoch.key)) return false',
    to: 'decrypts(text, header, epoch.key)',
    found: 'what nobody sent was delivered',
  },
  {
    target: 'tunnel',
    fault: 'paths are remembered without end',
    file: 'shared/core/tunnel/path-book.ts',
    from: 'const MAX_PATHS = 32',
    to: 'const MAX_PATHS = 1e9',
    found: 'a tunnel keeps too many paths',
  },
  {
    target: 'handshake',
    fault: 'a JOIN is answered without credit',
    file: 'shared/core/handshake/door.ts',
    from: 'if (joined.length <= arrived.length[i]! && pending.credit.spend(joined.length))',
    to: 'for (let again = 0; again < 20; again++)',
    found: 'a third party was sent more than three times what came',
  },
  {
    target: 'handshake',
    fault: 'a grant that has ended lets its holder in',
    file: 'shared/core/handshake/door.ts',
    from: 'grant.expiresAt <= wallNow',
    to: 'false',
    found: 'a place was taken without a good grant',
  },
  {
    target: 'handshake',
    fault: 'candidates are believed',
    file: 'shared/core/handshake/plausible.ts',
    from: 'return candidates.filter(',
    to: 'return 1 ? candidates : candidates.filter(',
    found: 'plan',
  },
  {
    target: 'checkpoint',
    fault: 'anybody reaches anybody',
    file: 'shared/core/checkpoint/peer-session.ts',
    from: 'return a.user === b.user',
    to: 'return true',
    found: 'a peer without standing reached somebody',
  },
  {
    target: 'relay',
    fault: 'an address that is not proven is sent what comes',
    file: 'shared/core/relay/bindings.ts',
    from: 'if (state !== BOUND || mayBeSent < bytes) return false',
    to: '',
    found: 'an address without a grant was sent too much',
  },
])('$target: $fault', { timeout: 3 * MOST_MS }, async ({ target: name, found, ...plant }) => {
  const { module, counters } = await loadCovered<typeof Targets>('test/fuzz/targets.ts', plant)
  const target = module.TARGETS[name]!
  const fuzzer = new Fuzzer(name, target, counters, 1)
  const isFound = () => fuzzer.result.findings.some(({ message }) => message.includes(found))
  fuzzer.learn([...target.seeds, ...readCorpus(name)])
  const endAt = performance.now() + MOST_MS
  let left = MOST_EXECUTIONS
  fuzzer.search(() => left-- > 0 && !isFound() && performance.now() < endAt)
  expect(fuzzer.result.findings.map(({ message }) => message).join('\n')).toContain(found)
})
