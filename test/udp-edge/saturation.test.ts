import { expect, test } from 'vitest'
import { type Reading, SaturationMeter, saturation } from '../../udp-edge/saturation.ts'

const START: Reading = { atMs: 5000, activeMs: 100, cpuMs: 90, received: 10, overrun: 0 }
const after = (change: Partial<Reading>): number => saturation(START, { ...START, atMs: 15_000, ...change })

test('an idle process is not saturated', () => {
  expect(after({})).toBe(0)
  expect(after({ activeMs: 1100, cpuMs: 590, received: 5000 })).toBeCloseTo(0.1)
})

test('a process that waits for a core is saturated, although it uses little CPU', () => {
  expect(after({ activeMs: 10_000, cpuMs: 400 })).toBeCloseTo(0.99)
})

test('threads beside the event loop count', () => {
  expect(after({ activeMs: 600, cpuMs: 8090 })).toBeCloseTo(0.8)
})

test('datagrams that the kernel lost count, whatever the CPU says', () => {
  expect(after({ received: 1000, overrun: 990 })).toBe(1)
  expect(after({ received: 99_960, overrun: 50 })).toBeCloseTo(0.05)
})

test('a clock that stood still or counters that began anew give a number from 0 to 1', () => {
  expect(saturation(START, START)).toBe(0)
  expect(after({ activeMs: 0, cpuMs: 0, received: 0, overrun: 0 })).toBe(0)
})

test('the meter sees that this process was busy', () => {
  const meter = new SaturationMeter(() => ({ received: 0, overrun: 0 }))
  expect(meter.read()).toBe(0)
  for (const end = performance.now() + 1100; performance.now() < end; );
  expect(meter.read()).toBeGreaterThan(0.9)
  expect(meter.read()).toBeGreaterThan(0.9)
})
