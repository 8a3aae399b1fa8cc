import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/**
 * Limits that guard against a hang, and against nothing else: a machine that is shared may stand still for seconds, and no
 * test may fail for that. What is to be quick is proved by what happens and what does not, never by how long it took.
 */
const hangs = { testTimeout: 180_000, hookTimeout: 180_000, expect: { poll: { timeout: 60_000, interval: 10 } } };

export default defineConfig({
  resolve: {
    // The package's own entry points, from source, so that tests and examples read as a user's code would.
    alias: [
      { find: /^coilyard\/supervisors$/, replacement: here('./supervisors/index.ts') },
      { find: /^coilyard\/testing$/, replacement: here('./src/testing/index.ts') },
      { find: /^coilyard$/, replacement: here('./src/index.ts') },
      // Users run xstate's production build; a test runner would pick the development one, which behaves differently.
      { find: /^xstate$/, replacement: here('./node_modules/xstate/dist/xstate.cjs.mjs') },
    ],
  },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/{unit,contract,property,architecture}/**/*.test.ts'],
          // The house has no module-level state that could leak from one file into another.
          isolate: false,
          ...hangs,
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/{integration,chaos}/**/*.test.ts'],
          ...hangs,
        },
      },
      {
        extends: true,
        test: {
          // What a unary call does must not depend on what carries it: the same tests, with each call as a frame.
          name: 'carried',
          include: [
            'test/integration/gateway-{calls,domain,guests,hostile,optimizations,security,sessions,variables,workers}.test.ts',
          ],
          env: { COILYARD_TEST_CARRIER: 'frames' },
          ...hangs,
        },
      },
      {
        extends: true,
        test: {
          // What a worker does must not depend on how it attached: the same tests, with local workers over gRPC.
          name: 'over-grpc',
          include: [
            'test/integration/{workers-{python,tools},worker-grants}.test.ts',
            'test/chaos/workers-storm.test.ts',
          ],
          env: { COILYARD_TEST_WORKER_CARRIER: 'grpc' },
          ...hangs,
        },
      },
    ],
    retry: 0,
    // What a failure says is read in a log: all of it stands there.
    chaiConfig: { truncateThreshold: 0 },
  },
});
