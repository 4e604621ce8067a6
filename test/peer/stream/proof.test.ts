import { expect, test } from 'vitest'
import { frame, STREAM_FRAME } from '../../../peer/stream/frames.ts'
import { Proof } from '../../../peer/stream/proof.ts'

test('a side that asks without end and reads nothing is owed one answer, to what it asked last', () => {
  const sent: Uint8Array[] = []
  const proof = new Proof({
    send: (plaintext) => sent.push(plaintext) > 2,
    flushed: () => new Promise(() => {}),
    disproved: () => {},
    over: () => {},
  })
  const answer = (number: number) => frame(STREAM_FRAME.HEARD, number)
  for (let number = 1; number <= 10_000; number++) proof.take(STREAM_FRAME.ASK, number)
  expect(sent).toEqual([answer(1)])
  proof.drained()
  expect(sent).toEqual([answer(1), answer(10_000)])
  proof.drained()
  expect(sent).toHaveLength(2)
  proof.take(STREAM_FRAME.ASK, 10_001)
  expect(sent.at(-1)).toEqual(answer(10_001))
  proof.close()
})
