// Lets a child Node process of a test run this repository's TypeScript: `node --import ./test/support/run-typescript.mjs file.ts`.
import { register } from 'node:module';

register(new URL('./typescript-hooks.mjs', import.meta.url));
