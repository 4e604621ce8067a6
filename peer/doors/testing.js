// The whole system on this machine, for tests of an application: `npm install --save-dev @straightway/system`.
export { startSystem } from '@straightway/system/local'
