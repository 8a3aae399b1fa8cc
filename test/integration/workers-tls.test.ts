import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { startRuntime } from 'coilyard';
import { expect, test } from 'vitest';
import type { GatewayOptions, Runtime } from '../../src/index.js';
import { byHand } from '../support/by-hand.js';
import { eventually } from '../support/processes.js';

const file = (name: string): string => join(process.cwd(), 'test', 'support', 'tls', `${name}.pem`);
const tls = { cert: file('server'), key: file('server-key') };
const mutual = { ...tls, clientCa: file('ca') };
const CA = { COILYARD_WORKER_TLS_CA: file('ca') };
const CERTIFICATE = { COILYARD_WORKER_TLS_CERT: file('client'), COILYARD_WORKER_TLS_KEY: file('client-key') };

const aRuntime = (gateway: GatewayOptions): Promise<Runtime> =>
  startRuntime({
    gateway,
    python: {
      pools: {
        default: {
          size: 1,
          imports: ['grant_tools', 'worker_tools'],
          paths: [join(process.cwd(), 'test/support/python')],
        },
      },
    },
  });

const isReady = (runtime: Runtime, id: string): boolean =>
  runtime.python.workers().some(({ workerId, phase }) => workerId === id && phase === 'ready');

test.each([
  ['that shows a certificate', tls, 'server', CA],
  ['that asks for one too', mutual, 'mutual', { ...CA, ...CERTIFICATE }],
])('a worker of another machine dials a gateway %s, and so do its tools', async (_what, gatewayTls, kind, env) => {
  await using runtime = await aRuntime({ tls: gatewayTls, token: 'of-clients' });
  await runtime.python.start();
  // From here on only the guest has time.
  const busy = runtime.python.call('wait', { seconds: 600 });
  busy.catch(() => {});
  const invitation = await runtime.python.invite();
  const { address } = await runtime.gateway.start();
  expect(invitation).toMatchObject({ gateway: address, tls: kind });
  expect(invitation.command).toContain('--tls');
  await using guest = byHand(invitation, env);
  await eventually(() => isReady(runtime, invitation.workerId), `it has joined: ${guest.said}`);
  const session = await runtime.sessions.start({ id: 'remembered' });
  await session.register('x', 'integer', 1);
  await expect(runtime.python.call('pid')).resolves.toBe(guest.pid);
  await expect(runtime.python.call('remember', { value: 7 }, { session })).resolves.toBe(7);
  expect(session.get('x')).toBe(7);
});

test('the files can be named on the command line too', async () => {
  await using runtime = await aRuntime({ tls: mutual });
  const { command, ...invitation } = await runtime.python.invite();
  const files = ['--tls-ca', file('ca'), '--tls-cert', file('client'), '--tls-key', file('client-key')];
  const bare = command.filter((word) => word !== '--tls');
  await using guest = byHand({ ...invitation, command: bare }, {}, files);
  await eventually(() => isReady(runtime, invitation.workerId), `it has joined: ${guest.said}`);
});

test.each<[string, typeof tls, Record<string, string>, readonly string[], number, RegExp]>([
  ['does not know its authority', tls, {}, [], 5, /the runtime cannot be reached: .*CERTIFICATE_VERIFY_FAILED/],
  ['has no certificate where one is asked for', mutual, CA, [], 5, /the runtime cannot be reached/],
  ['names a file that is not there', tls, {}, ['--tls-ca', '/nowhere.pem'], 2, /--tls-ca: .*nowhere\.pem/],
  ['has a certificate and no key', mutual, {}, ['--tls-cert', file('client')], 2, /--tls-cert and --tls-key belong/],
])('a worker that %s does not get in and says why', async (_what, gatewayTls, env, more, code, words) => {
  await using runtime = await aRuntime({ tls: gatewayTls });
  const invitation = await runtime.python.invite();
  await using guest = byHand(invitation, env, more);
  expect(await guest.ended).toBe(code);
  expect(guest.said).toMatch(words);
  expect(isReady(runtime, invitation.workerId)).toBe(false);
});

test('a worker that speaks in the clear to a gateway with TLS does not get in', async () => {
  await using runtime = await aRuntime({ tls });
  const { command, ...invitation } = await runtime.python.invite();
  await using guest = byHand({ ...invitation, command: command.filter((word) => word !== '--tls') });
  expect(await guest.ended).toBe(5);
  expect(guest.said).toContain('the runtime cannot be reached');
});

test('an invitation of a gateway that listens on every address names this machine', async () => {
  const pem = (name: string): string => readFileSync(file(name), 'utf8');
  const everywhere = { cert: pem('server'), key: pem('server-key'), clientCa: pem('ca') };
  await using runtime = await aRuntime({ host: '0.0.0.0', tls: everywhere });
  const { gateway, tls: kind } = await runtime.python.invite();
  expect(gateway).toBe(`${hostname()}:${(await runtime.gateway.start()).port}`);
  expect(kind).toBe('mutual');
});
