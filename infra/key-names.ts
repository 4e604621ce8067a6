import { type Config, prefixOf } from './config.ts'

/** Name of a key's secret. It is known before the secret exists, and is the same in every region. */
export function keyName(config: Pick<Config, 'name'>, key: 'Ticket' | 'Fleet'): string {
  return `${prefixOf(config)}${key.toLowerCase()}-key`
}
