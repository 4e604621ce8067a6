/** Of infra/environments.ts. */
export const ENVIRONMENT = 'emulator'
/** Of the names of tables and secrets. */
export const PREFIX = `straightway-${ENVIRONMENT}-`
export const STACKS = { data: `${PREFIX}data`, api: `${PREFIX}api` }
