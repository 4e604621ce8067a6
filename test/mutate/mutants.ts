/** Finds the places of a TypeScript module that a small fault could change: each mutant is one edit of its text. */
import { parseAst } from 'rolldown/parseAst'

export interface Mutant {
  /** Offset of the first changed character, and of the first one behind them. */
  readonly start: number
  readonly end: number
  readonly from: string
  readonly to: string
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

const COMPARISONS: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '%': '*',
  '&': '|',
  '|': '&',
  '<<': '>>>',
  '>>>': '<<',
  '&&': '||',
  '||': '&&',
  '??': '&&',
}

/** Returns every mutant of a module, in the order of the text. Types and strings are never changed. */
export function mutantsOf(text: string): Mutant[] {
  const found: Mutant[] = []
  const add = (start: number, end: number, to: string): void => {
    found.push({ start, end, from: text.slice(start, end), to })
  }
  visit(parseAst(text, { lang: 'ts' }) as unknown as Node, (node) => {
    edit(node, text, add)
  })
  return found.toSorted((a, b) => a.start - b.start || a.end - b.end)
}

type Add = (start: number, end: number, to: string) => void

function edit(node: Node, text: string, add: Add): void {
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression':
      editOperator(node, text, add)
      return
    case 'UnaryExpression':
      if (node.operator === '!') add(node.start, node.start + 1, '')
      return
    case 'Literal':
      if (typeof node.value === 'boolean') add(node.start, node.end, String(!node.value))
      return
    case 'IfStatement':
    case 'ConditionalExpression': {
      const test = node.test as Node
      add(test.start, test.end, 'true')
      add(test.start, test.end, 'false')
      return
    }
    case 'ExpressionStatement': {
      const { type } = node.expression as Node
      // An assertion of types, `x satisfies never`, does nothing at run time.
      if (type !== 'Literal' && !type.startsWith('TS')) add(node.start, node.end, ';')
      return
    }
  }
}

function editOperator(node: Node, text: string, add: Add): void {
  const [left, right, operator] = [node.left as Node, node.right as Node, String(node.operator)]
  const to = COMPARISONS[operator]
  const at = text.indexOf(operator, left.end)
  if (to === undefined || at < 0 || at >= right.start) return
  if (operator === '+' && isText(left, right)) return
  add(at, at + operator.length, to)
}

/** Says whether a plus certainly joins strings: a minus there would be no likely fault. */
const isText = (...sides: readonly Node[]): boolean =>
  sides.some(
    ({ type, value, operator, left, right }) =>
      type === 'TemplateLiteral' ||
      typeof value === 'string' ||
      (operator === '+' && isText(left as Node, right as Node)),
  )

function visit(node: Node, each: (node: Node) => void): void {
  if (node.type.startsWith('TS') && !EXPRESSIONS.has(node.type)) return
  each(node)
  for (const child of Object.values(node))
    for (const item of Array.isArray(child) ? child : [child]) if (isNode(item)) visit(item, each)
}

/** Nodes of TypeScript that hold an expression which runs. */
const EXPRESSIONS = new Set(['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression'])

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'

/** Returns the text with one mutant in it. */
export const mutated = (text: string, { start, end, to }: Mutant): string =>
  text.slice(0, start) + to + text.slice(end)

/** Returns the number of the line that an offset is in, from 1. */
export const lineOf = (text: string, offset: number): number => text.slice(0, offset).split('\n').length
