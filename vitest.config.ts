import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    // The package's own entry points, from source, so that tests and examples read as a user's code would.
    alias: [
      { find: /^coilyard\/supervisors$/, replacement: here('./supervisors/index.ts') },
      { find: /^coilyard\/testing$/, replacement: here('./src/testing/index.ts') },
      { find: /^coilyard$/, replacement: here('./src/index.ts') },
    ],
    // xstate behaves differently in its development build; users run the production one.
    conditions: ['node', 'import', 'production', 'default'],
  },
  ssr: { resolve: { conditions: ['node', 'import', 'production', 'default'] } },
  test: {
    projects: [
      { extends: true, test: { name: 'fast', include: ['test/{unit,contract,property,architecture}/**/*.test.ts'] } },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/{integration,chaos}/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
    retry: 0,
  },
});
