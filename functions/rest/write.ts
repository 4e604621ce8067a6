/**
 * `npm run openapi`: writes what is generated from the definitions of the routes:
 *
 *   - routes.ts, which `infra` reads;
 *   - the operations of the clients in shared/rest-client, and the commands of `straightway admin`;
 *   - the OpenAPI document.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { API } from './api.ts'
import { commandsText } from './commands.ts'
import { describeApi } from './openapi.ts'
import { operationsText } from './typescript.ts'

export const DOORS_FILE = join(import.meta.dirname, 'routes.ts')
export const OPERATIONS_FILE = join(import.meta.dirname, '../../shared/rest-client/operations.ts')
export const COMMANDS_FILE = join(import.meta.dirname, '../../shared/rest-client/commands.ts')
export const DOCUMENT_FILE = join(import.meta.dirname, '../../docs/openapi.json')

/** The routes as plain data, so that importing them does not import the handlers. */
export function doorsText(): string {
  const doors = API.map(
    ({ operation, method, path, who }) =>
      `  { operation: '${operation}', method: '${method}', path: '${path}', who: '${who}' },\n`,
  )
  return `/** Written by \`npm run openapi\` from the definitions in this folder: the routes as plain data. */
// biome-ignore-all format: it is written by a program
export const ROUTES = [
${doors.join('')}] as const

export type Operation = (typeof ROUTES)[number]['operation']
`
}

export const documentText = (): string => `${JSON.stringify(describeApi(API), undefined, 2)}\n`

if (process.argv[1] === import.meta.filename) {
  writeFileSync(DOORS_FILE, doorsText())
  writeFileSync(OPERATIONS_FILE, operationsText(API))
  writeFileSync(COMMANDS_FILE, commandsText(API))
  writeFileSync(DOCUMENT_FILE, documentText())
}
