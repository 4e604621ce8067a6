import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { architectureOf } from '../../infra/architecture.ts'
import { drawDashboard } from '../../infra/dashboard-drawing.ts'
import { draw } from '../../infra/drawing.ts'
import { FUNCTIONS, type FunctionDescription } from '../../infra/functions.ts'
import { resolved } from '../../infra/permission/resolve.ts'
import { stacksOf } from '../../infra/system.ts'
import { systemUnderTest } from './system-under-test.ts'

const system = systemUnderTest({ name: 'prod' })
const architecture = architectureOf(system)
const titleOf = (id: string) => architecture.functions.find((box) => box.id === id)?.title

test('the picture in the documentation is that of the templates: `npm run picture` draws it again', () => {
  const drawn = readFileSync(join(import.meta.dirname, '../../docs/architecture.svg'), 'utf8')
  expect(boxes(draw(architecture))).toEqual(boxes(drawn))
})

test('every stream that calls a function is an arrow', () => {
  const streams = architecture.arrows.filter(({ kind }) => kind === 'stream')
  const drawn = streams.map(({ from, to }) => `${from} ${titleOf(to)}`).sort()
  const described = Object.entries(FUNCTIONS as Record<string, FunctionDescription>)
  expect(drawn).toEqual(
    described.flatMap(([name, { streams = [] }]) => streams.map((table) => `${table} ${name}`)).sort(),
  )
})

test('the dashboard in the documentation is that of the template, with every alarm and every graph', () => {
  const drawn = readFileSync(join(import.meta.dirname, '../../docs/dashboard.svg'), 'utf8')
  expect(drawDashboard(resolved(stacksOf(system)))).toBe(drawn)
  const alarms = system.watch!.alarms.all.map(({ node }) => node.id)
  expect(alarms).toContain('canary-fails')
  for (const alarm of alarms) expect(drawn).toContain(`✓ ${alarm}<`)
  for (const title of ['INDEX: latency', 'Streams: age of what is read, ms', 'Tunnels by path', 'Load'])
    expect(drawn).toContain(`>${title}<`)
})

/** Removes the resource counts, which differ with and without the WAF. */
const boxes = (svg: string): string => svg.replaceAll(/\(\d+ resources\)/g, '')
