import { type Config, prefixOf } from './config.ts'

/** Name of the secret: known before there is one, and the same in every region. */
export function keyName(config: Pick<Config, 'name'>, key: 'Ticket' | 'Fleet'): string {
  return `${prefixOf(config)}${key.toLowerCase()}-key`
}
