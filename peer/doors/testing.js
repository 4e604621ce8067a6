// The whole system on this machine, for an application's tests: `npm install --save-dev @straightway/system`.
export { startSystem } from '@straightway/system/local'
