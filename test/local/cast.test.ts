import { expect, test } from 'vitest'
import { asciicast, type Cast, svg } from '../../local/cast.ts'

const CAST: Cast = {
  title: 'A <title> & more',
  lines: [
    { at: 0, who: 'ada', kind: 'typed', text: 'send Ben "a & b"' },
    { at: 1.23456, who: 'ada', kind: 'printed', text: 'word '.repeat(30).trim() },
    { at: 2, who: 'ben', kind: 'printed', text: '<done>' },
  ],
}

test('a cast is a header and events that players read, with long lines folded', () => {
  const [header, ...events] = asciicast(CAST)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(header).toEqual({ version: 2, width: 100, height: 5, title: CAST.title })
  expect(events.map(([at, kind]) => [at, kind])).toEqual([
    [0, 'o'],
    [1.235, 'o'],
    [1.235, 'o'],
    [2, 'o'],
  ])
  for (const [, , text] of events) expect(text.endsWith('\r\n')).toBe(true)
})

test('a picture has a row for each line, and no text of it is markup', () => {
  const picture = svg(CAST)
  expect(picture.match(/class="row /g)).toHaveLength(4)
  expect(picture).toContain('&lt;done&gt;')
  expect(picture).toContain('send Ben &quot;a &amp; b&quot;')
  expect(picture).not.toContain('<done>')
  expect(picture).toContain('prefers-reduced-motion')
})
