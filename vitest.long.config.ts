import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Statistics over many seeds, hours of simulated time, many commands in a row, and what waits long: `npm run test:long`, so that `npm test` stays short. CI runs both. */
export const LONG = [
  'test/sim/run.test.ts',
  'test/sim/long.test.ts',
  'test/sim/tunnels.test.ts',
  'test/sim/messages.test.ts',
  'test/sim/nodes.test.ts',
  'test/sim/population.test.ts',
  'test/sim/udp-comes-and-goes.test.ts',
  'test/core/relay/relay-machine.test.ts',
  'test/core/tunnel/symmetric.test.ts',
  'test/core/tunnel/tunnel.test.ts',
  'test/core/checkpoint/hostile.test.ts',
  'test/core/checkpoint/gate.test.ts',
  'test/functions/rest/permissions.test.ts',
  'test/functions/rest/audit-many.test.ts',
  'test/functions/rest/audit.test.ts',
  'test/functions/rest/key-scopes.test.ts',
  'test/functions/rest/race-walk.test.ts',
  'test/functions/rest/membership-walk.test.ts',
  'test/functions/rest/members-page.test.ts',
  'test/functions/rest/oidc.test.ts',
  'test/functions/rest/search-attacks.test.ts',
  'test/functions/streams/large-user.test.ts',
  'test/functions/webhooks/ten-thousand.test.ts',
  'test/functions/webhooks/webhooks.test.ts',
  'test/functions/rest/search.test.ts',
  'test/functions/rest/races.test.ts',
  'test/functions/rest/jobs.test.ts',
  'test/functions/streams/index-queue.test.ts',
  'test/core/stun/stun-server.test.ts',
  'test/local/engine-records.test.ts',
  'test/sim/offers.test.ts',
  'test/sim/sign-in.test.ts',
  'test/sim/regions.test.ts',
  'test/bench/fleet.test.ts',
  'test/fuzz/planted.test.ts',
  'test/e2e/udp-blocked.test.ts',
  'test/e2e/udp-comes-and-goes.test.ts',
  'test/e2e/captive-portal.test.ts',
  'test/e2e/node-death.test.ts',
  'test/e2e/garbage.test.ts',
  'test/e2e/canary.test.ts',
  'test/e2e/canaries.test.ts',
  'test/e2e/canary-everywhere.test.ts',
  'test/canary/song.test.ts',
  'test/peer/recovery.test.ts',
  'test/cli/admin.test.ts',
  'test/cli/one-peer.test.ts',
  'test/cli/process.test.ts',
  'test/cli/strangers.test.ts',
  'test/cli/usage.test.ts',
  'test/cli/verbs.test.ts',
]

/** Programs that tests start are compiled once. */
export const PROGRAMS = { NODE_COMPILE_CACHE: join(tmpdir(), 'node-compile-cache') }

/** How long a polled expectation waits: far longer than it takes on an idle machine, because tests are not timed. */
export const PATIENCE = { poll: { timeout: 60_000 } }

export default defineConfig({
  test: {
    include: LONG,
    testTimeout: 120_000,
    expect: PATIENCE,
    hookTimeout: 120_000,
    maxWorkers: 2,
    retry: process.env.CI ? 1 : 0,
    env: PROGRAMS,
  },
})
