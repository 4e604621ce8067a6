import { describe, expect, it } from 'vitest'
import type { PeerId } from '../../shared/ids.ts'
import { Model } from './model.ts'

const [ann, bob, eve] = ['ann', 'bob', 'eve'] as [PeerId, PeerId, PeerId]

/** A model in which everybody except Eve shares a network. */
const model = (now = () => 0): Model => new Model((a, b) => a !== eve && b !== eve, now)

describe('the reference model', () => {
  it('finds nothing in a run in which everything is as it must be', () => {
    const run = model()
    const [first, second] = [run.nextText(ann, bob), run.nextText(ann, bob)]
    run.delivered(bob, ann, first)
    run.receipt(first, 'delivered')
    run.receipt(second, 'stored')
    run.heard(ann, bob)
    for (const [self, other] of [
      [ann, bob],
      [bob, ann],
    ] as const) {
      run.agreed('tunnel', self, other)
      run.carried('tunnel', self)
    }
    run.conclude(new Set([second]), new Set([ann, bob]))
    expect(run.violations).toEqual([])
    expect(run.messages).toEqual({ sent: 2, acknowledged: 2, delivered: 1, unanswered: 0 })
  })

  it('asks nothing of a tunnel whose other end vanished, before or after this one knew of it', () => {
    const run = model()
    run.agreed('tunnel', bob, ann)
    run.vanished(bob)
    run.agreed('tunnel', ann, bob)
    run.agreed('offered by the dead', ann, bob)
    run.conclude(new Set(), new Set([ann, bob]))
    expect(run.violations).toEqual([])
  })

  it('asks nothing of a tunnel whose call ran out of time just after the agreement, and all of one that had its time', () => {
    let now = 0
    const run = model(() => now)
    for (const tunnel of ['early', 'late']) run.agreed(tunnel, bob, ann)
    now = 11_999
    expect(['early', 'not agreed on yet'].map((tunnel) => run.timedOut(tunnel))).toEqual([true, true])
    now = 12_000
    expect(run.timedOut('late')).toBe(false)
    run.conclude(new Set(), new Set([ann, bob]))
    expect(run.violations).toEqual(['late', 'late'].map(() => expect.stringContaining('tunnel late')))
  })

  it('lets a message come late that took longer than those behind it are held back for it', () => {
    let now = 0
    const run = model(() => now)
    const [first, second] = [run.nextText(ann, bob), run.nextText(ann, bob)]
    run.delivered(bob, ann, second)
    now = 10_001
    run.delivered(bob, ann, first)
    expect(run.violations).toEqual([])
  })

  it.each<[string, (run: Model) => void]>([
    [
      'delivered 2 times',
      (run) => {
        const text = run.nextText(ann, bob)
        for (let i = 0; i < 2; i++) run.delivered(bob, ann, text)
      },
    ],
    [
      'delivered after number 2',
      (run) => {
        const [first, second] = [run.nextText(ann, bob), run.nextText(ann, bob)]
        for (const text of [second, first]) run.delivered(bob, ann, text)
      },
    ],
    ['nobody sent', (run) => run.delivered(bob, ann, 'hello')],
    ['between strangers', (run) => run.delivered(eve, ann, run.nextText(ann, eve))],
    ['was not delivered', (run) => run.receipt(run.nextText(ann, bob), 'delivered')],
    ['is lost', (run) => run.receipt(run.nextText(ann, bob), 'stored')],
    ['shares no network', (run) => run.heard(eve, ann)],
    ['carried nothing to bob', (run) => run.agreed('tunnel', ann, bob)],
    [
      'a third end',
      (run) => {
        run.agreed('tunnel', ann, bob)
        run.agreed('tunnel', eve, bob)
        for (const peer of [ann, bob]) run.carried('tunnel', peer)
      },
    ],
    ['nobody agreed', (run) => run.carried('tunnel', ann)],
  ])('finds that something %s', (what, act) => {
    const run = model()
    act(run)
    run.conclude(new Set(), new Set([ann, bob, eve]))
    expect(run.violations).toContainEqual(expect.stringContaining(what))
  })
})
