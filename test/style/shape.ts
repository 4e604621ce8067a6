/**
 * The shape of the client: the size of its classes and of the SDK, import cycles between modules, and whether the simulation
 * and production run the same objects. Reads the sources as formatted.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

export interface Finding {
  readonly rule: string
  readonly is: string
  readonly violations: readonly string[]
}

const ROOT = join(import.meta.dirname, '../..')
const MOST_METHODS = 20
const MOST_FIELDS = 15
const PEER_LINES = 5000
/** Classes that only an Endpoint, or the machine of all its tunnels, may construct. */
const PARTS_OF_A_CLIENT =
  /\bnew (PeerMachine|TunnelMachine|Traversal|PathBook|Prover|Choice|HandshakeClient|Affairs|Calls|Line)\(/
const MEMBER = /^ {2}(?:static |readonly |async |private |get |set |\*)*(#?[A-Za-z]\w*)(\??[:=( <]| =)/
const sources = (pattern: string): string[] =>
  globSync(pattern, { cwd: ROOT }).filter((file) => file.endsWith('.ts'))
const textOf = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

export interface ClassShape {
  readonly name: string
  readonly file: string
  readonly methods: number
  readonly fields: number
}

export function classesOf(file: string, text: string): ClassShape[] {
  const found = text.matchAll(/^(?:export )?class (\w+)[^\n]*\{\n([\s\S]*?)^\}/gm)
  return [...found].map(([, name, body]) => {
    const members = body!
      .split('\n')
      .filter((line) => MEMBER.test(line) && !line.startsWith('  constructor('))
    const methods = members.filter(isMethod).length
    return { name: name!, file, methods, fields: members.length - methods }
  })
}

/** True if a line starts a method: its name is followed by parameters. */
const isMethod = (line: string): boolean =>
  /^ {2}(?:static |async |get |set |\*)*#?\w+(?:<[^>]*>)?\(/.test(line)

export function shape(): readonly Finding[] {
  return [classes(), sizeOfPeer(), cycles(), clients(), loops()]
}

function classes(): Finding {
  const all = sources('shared/core/**/*.ts').flatMap((file) => classesOf(file, textOf(file)))
  const large = all.filter(({ methods, fields }) => methods > MOST_METHODS || fields > MOST_FIELDS)
  return {
    rule: `no class of shared/core has more than ${MOST_METHODS} methods or ${MOST_FIELDS} fields`,
    is: `${all.length} classes`,
    violations: large
      .toSorted((a, b) => b.methods + b.fields - a.methods - a.fields)
      .map(({ name, file, methods, fields }) => `${name}: ${methods} methods, ${fields} fields (${file})`),
  }
}

function sizeOfPeer(): Finding {
  const lines = sources('peer/**/*.ts').reduce((sum, file) => sum + textOf(file).split('\n').length - 1, 0)
  return {
    rule: `peer/ has fewer than ${PEER_LINES} lines`,
    is: `${lines} lines`,
    violations: lines < PEER_LINES ? [] : [`${lines - PEER_LINES + 1} too many`],
  }
}

/** Returns the imports of a file, without type-only ones, which do not exist at run time. */
function importsOf(file: string): string[] {
  const found = textOf(file).matchAll(/^(?:import|export) (?!type )[^'"]*? from '(\.[^']+)'/gm)
  return [...found].map(([, to]) => normalize(join(dirname(file), to!)))
}

function cycles(): Finding {
  const files = ['shared', 'serve', 'peer', 'cli', 'udp-edge', 'functions', 'local'].flatMap((room) =>
    sources(`${room}/**/*.ts`),
  )
  const imports = new Map(files.map((file) => [file, importsOf(file)]))
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'open') found.push([...path.slice(path.indexOf(file)), file].join(' > '))
    if (state.has(file)) return
    state.set(file, 'open')
    for (const to of imports.get(file) ?? []) visit(to, [...path, file])
    state.set(file, 'done')
  }
  for (const file of files) visit(file, [])
  return {
    rule: 'no modules import each other in a circle',
    is: `${files.length} modules`,
    violations: found,
  }
}

function clients(): Finding {
  const files = [...sources('test/sim/**/*.ts'), 'test/core/tunnel/meeting.ts']
  const own = files.filter((file) => PARTS_OF_A_CLIENT.test(textOf(file)))
  const driving = files.filter((file) => /\bnew (Endpoint|Tunnels)\(/.test(textOf(file)))
  return {
    rule: 'the simulation and meeting.ts have no client of their own',
    is: `${driving.join(' and ')} make the production's`,
    violations: own,
  }
}

/** Finds the loops that drive machines: places where a deadline becomes a timer. */
function loops(): Finding {
  const files = ['shared', 'serve', 'peer', 'cli', 'udp-edge'].flatMap((room) => sources(`${room}/**/*.ts`))
  const driving = files.filter(
    (file) => /\.deadline\(\)/.test(textOf(file)) && /\bsetTimeout\(/.test(textOf(file)),
  )
  return {
    rule: 'one loop drives all machines',
    is: driving.join(', '),
    violations: driving.length === 1 ? [] : driving,
  }
}
