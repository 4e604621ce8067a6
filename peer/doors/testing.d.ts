// The whole system on this machine, for an application's tests: `npm install --save-dev @straightway/system`.
export { type System, type SystemOptions, startSystem } from '@straightway/system/local'
