/** Where this example's Python lies, also when its TypeScript runs compiled from elsewhere. */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const repository = dirname(createRequire(import.meta.url).resolve('coilyard/package.json'));

export const directory = join(repository, 'docs', 'examples', 'research');
