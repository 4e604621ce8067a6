/**
 * House rules that the compiler cannot check: which folders may import which, and that protocol cores are functions of bytes,
 * time and seed (shared/core/machine.ts).
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..')

/** Room -> rooms it may import. `shared` alone is the vocabulary at shared/*.ts. */
const ROOMS: Record<string, readonly string[]> = {
  shared: ['shared'],
  'shared/wire': ['shared', 'shared/wire'],
  'shared/crypto': ['shared', 'shared/wire', 'shared/crypto'],
  'shared/core': ['shared', 'shared/wire', 'shared/crypto', 'shared/core'],
  'shared/drive': ['shared', 'shared/wire', 'shared/crypto', 'shared/core', 'shared/drive'],
  'shared/model': ['shared', 'shared/model'],
  'shared/store': ['shared', 'shared/model', 'shared/store'],
  functions: ['shared', 'shared/model', 'shared/store', 'functions'],
  'udp-edge': [
    'shared',
    'shared/wire',
    'shared/crypto',
    'shared/core',
    'shared/drive',
    'shared/model',
    'shared/store',
    'udp-edge',
  ],
  'shared/files': ['shared', 'shared/files'],
  'shared/rest-client': ['shared', 'shared/wire', 'shared/rest-client'],
  'shared/client': [
    'shared',
    'shared/wire',
    'shared/crypto',
    'shared/core',
    'shared/drive',
    'shared/rest-client',
    'shared/client',
  ],
  serve: ['shared', 'shared/wire', 'shared/core', 'shared/files', 'serve'],
  peer: [
    'shared',
    'shared/wire',
    'shared/crypto',
    'shared/core',
    'shared/drive',
    'shared/files',
    'shared/rest-client',
    'shared/client',
    'serve',
    'peer',
  ],
  browser: [
    'shared',
    'shared/wire',
    'shared/crypto',
    'shared/core',
    'shared/drive',
    'shared/rest-client',
    'shared/client',
    'browser',
  ],
  cli: ['shared', 'shared/wire', 'shared/files', 'shared/rest-client', 'serve', 'peer', 'cli'],
  canary: ['shared', 'shared/store', 'functions', 'peer', 'canary'],
  local: [
    'shared',
    'shared/wire',
    'shared/crypto',
    'shared/core',
    'shared/model',
    'shared/store',
    'functions',
    'shared/files',
    'udp-edge',
    'serve',
    'peer',
    'cli',
    'local',
  ],
  infra: ['shared', 'shared/store', 'infra', 'functions'],
}

/** Modules that `infra` may import: descriptions, never behaviour. */
const DESCRIPTIONS = new Set(['shared/store/tables.ts', 'functions/rest/routes.ts'])

/** Modules of the SDK that the command line may import: the one that applications do. */
const PUBLIC_ENTRY = 'peer/index.ts'

const PURE = ['shared/wire', 'shared/crypto', 'shared/core', 'shared/model']
/** Rooms that browsers run, which may use no global of Node either. */
const EVERYWHERE = [
  'shared/wire',
  'shared/crypto',
  'shared/core',
  'shared/rest-client',
  'shared/client',
  'browser',
]

/** Files that belong to a platform: a build for browsers leaves it out (browser-bundle.test.ts). */
const OF_NODE = new Set(['shared/crypto/node-ml-kem.ts'])

const FORBIDDEN: Record<string, RegExp> = {
  clock: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\b|\bhrtime\b/,
  timer: /\bset(Timeout|Interval|Immediate)\b|\bqueueMicrotask\b|\bnextTick\b/,
  randomness:
    /\bMath\.random\b|\brandom(Bytes|UUID|Int|FillSync)\b|\brandombytes_|\bgetRandomValues\b|\b\w*_keygen\b/,
  async: /\basync\b|\bawait\b|\bPromise\b/,
  'input and output': /from 'node:|\bprocess\.|\bconsole\.|\bfetch\(/,
}

const files = globSync('{shared,functions,udp-edge,serve,peer,browser,cli,canary,local,infra}/**/*.ts', {
  cwd: root,
})
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => !path.endsWith('.d.ts'))

function roomOf(path: string): string {
  const [first = '', second = ''] = path.split('/')
  return first === 'shared' && !second.endsWith('.ts') ? `shared/${second}` : first
}

function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.{1,2}\/[^']+)'/g)].map(([, target]) =>
    normalize(join(dirname(path), target!)).replaceAll('\\', '/'),
  )
}

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|(?<![:'"])\/\/.*$/gm, '')

test('there is something to check in every room that exists', () => {
  expect(files.length).toBeGreaterThan(20)
  for (const path of files) expect(Object.keys(ROOMS)).toContain(roomOf(path))
})

test('imports follow the directions between rooms', () => {
  const wrong = files.flatMap((path) =>
    importsOf(path)
      .filter((target) => !ROOMS[roomOf(path)]!.includes(roomOf(target)))
      .map((target) => `${path} imports ${target}`),
  )
  expect(wrong).toEqual([])
})

test('the command line imports of the SDK only what applications do', () => {
  const wrong = files
    .filter((path) => roomOf(path) === 'cli')
    .flatMap((path) => importsOf(path).map((target) => ({ path, target })))
    .filter(({ target }) => roomOf(target) === 'peer' && target !== PUBLIC_ENTRY)
  expect(wrong).toEqual([])
})

test('infra imports descriptions and never behaviour', () => {
  const wrong = files
    .filter((path) => roomOf(path) === 'infra')
    .flatMap((path) => importsOf(path).map((target) => ({ path, target })))
    .filter(({ target }) => !['infra', 'shared'].includes(roomOf(target)) && !DESCRIPTIONS.has(target))
  expect(wrong).toEqual([])
})

test('wire, crypto, core and model hold no clock, timer, randomness, socket or async', () => {
  const wrong = files
    .filter((path) => PURE.includes(roomOf(path)) && !OF_NODE.has(path))
    .flatMap((path) => {
      const text = withoutComments(readFileSync(join(root, path), 'utf8'))
      return Object.entries(FORBIDDEN)
        .filter(([, pattern]) => pattern.test(text))
        .map(([what, pattern]) => `${path}: ${what} (${pattern.exec(text)?.[0]})`)
    })
  expect(wrong).toEqual([])
})

test('what browsers run uses no Buffer', () => {
  const inside = files.filter((path) => EVERYWHERE.some((room) => path.startsWith(`${room}/`)))
  const wrong = inside.filter((path) => /\bBuffer[.(]/.test(readFileSync(join(root, path), 'utf8')))
  expect(wrong).toEqual([])
})
