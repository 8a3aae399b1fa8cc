import { join } from 'node:path';
import { credentials } from '@grpc/grpc-js';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { VariablesClient } from '../../src/gen/coilyard/v1/variables.js';
import { startRuntime } from '../../src/runtime.js';
import { ask, refusal } from '../support/gateway-host.js';

const file = (name: string): string => join(process.cwd(), 'test', 'support', 'tls', `${name}.pem`);

test('a runtime serves its principals over TLS while its own Python workers go on as ever', async () => {
  await using runtime = await startRuntime({
    gateway: {
      principals: [{ token: 'token-of-a', name: 'team-a', sessions: ['a-*'], scopes: ['read'] }],
      tls: { cert: file('server'), key: file('server-key') },
    },
    python: {
      pools: {
        default: { size: 1, imports: ['worker_tools'], paths: [join(process.cwd(), 'test', 'support', 'python')] },
      },
    },
  });
  const session = await runtime.sessions.start({ id: 'a-1' });
  await session.register('x', 'float', 0.5);
  const { address } = await runtime.gateway.start();
  const client = new VariablesClient(address, credentials.createSsl(readFileSync(file('ca'))));
  const get = (sessionId: string) =>
    ask(
      client.getVariable.bind(client),
      { sessionId, variable: 'x' },
      { headers: { authorization: 'Bearer token-of-a' }, timeoutMs: 120_000 },
    );
  expect((await get('a-1')).revision).toBe(1n);
  expect((await refusal(get('b-1'))).error?.code).toBe('permission_denied');
  client.close();
  expect(await runtime.python.call('add', { a: 1, b: 2 })).toBe(3);
});
