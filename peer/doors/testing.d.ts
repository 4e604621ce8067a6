// The whole system on this machine, for tests of an application: `npm install --save-dev @straightway/system`.
export { type System, type SystemOptions, startSystem } from '@straightway/system/local'
