/** Name of the environment in infra/environments.ts. */
export const ENVIRONMENT = 'emulator'
/** Prefix of the names of tables and secrets. */
export const PREFIX = `straightway-${ENVIRONMENT}-`
export const STACKS = { data: `${PREFIX}data`, api: `${PREFIX}api` }
