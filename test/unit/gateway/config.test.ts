import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runtimeConfig } from '../../../src/config.js';
import { gatewayConfig, readTls } from '../../../src/runtime/gateway-config.js';

const thrown = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

test('what is left out has a default', () => {
  expect(gatewayConfig()).toEqual({
    host: '127.0.0.1',
    port: 0,
    principals: [],
    maxMessageBytes: 16 * 1024 * 1024,
    maxCallBytes: 256 * 1024 * 1024,
    maxStreams: 10_000,
    maxConnections: 10_000,
  });
  expect(runtimeConfig({ gateway: false }).gateway).toBe(false);
});

const ann = { token: 'of-ann', name: 'ann' };

test.each<[string, object]>([
  ['gateway.hots', { hots: 'x' }],
  ['gateway.host', { host: '' }],
  ['gateway.port', { port: 70_000 }],
  ['gateway.token', { token: '' }],
  ['gateway.token', { token: 'with space' }],
  ['gateway.maxStreams', { maxStreams: 0 }],
  ['gateway.maxConnections', { maxConnections: 1.5 }],
  ['gateway.principals', { principals: {} }],
  ['gateway.principals[0].token', { principals: [{ name: 'ann' }] }],
  ['gateway.principals[0].name', { principals: [{ token: 'x', name: 'a:b' }] }],
  ['gateway.principals[0].name', { principals: [{ token: 'x', name: 'client' }] }],
  ['gateway.principals[0].scope', { principals: [{ ...ann, scope: 'read' }] }],
  ['gateway.principals[0].scopes', { principals: [{ ...ann, scopes: ['admin'] }] }],
  ['gateway.principals[0].scopes', { principals: [{ ...ann, scopes: 'read' }] }],
  ['gateway.principals[0].sessions', { principals: [{ ...ann, sessions: [''] }] }],
  ['gateway.principals[1].name', { principals: [ann, { token: 'other', name: 'ann' }] }],
  ['gateway.principals[1].token', { principals: [ann, { token: 'of-ann', name: 'bob' }] }],
  ['gateway.principals[0].token', { token: 'of-ann', principals: [ann] }],
  ['gateway.tls.key', { tls: { cert: 'x' } }],
  ['gateway.tls.clientCa', { tls: { cert: 'x', key: 'y', clientCa: 3 } }],
])('%s is refused by name', (field, options) => {
  expect(thrown(() => gatewayConfig(options))).toMatchObject({
    code: 'invalid_argument',
    message: expect.stringContaining(field),
  });
});

test('no message repeats a token or a key', async () => {
  const secret = 'my own precious';
  const wrong = [
    { token: secret },
    { principals: [{ token: secret, name: 'ann' }] },
    { token: 'precious', principals: [{ token: 'precious', name: 'ann' }] },
    { principals: [ann, { token: 'precious', name: 'bob' }, { token: 'precious', name: 'eve' }] },
  ];
  for (const options of wrong) {
    const error = thrown(() => gatewayConfig(options));
    expect(String(error) + JSON.stringify(error)).not.toContain('precious');
  }
});

test('certificates are texts or files', async () => {
  const file = fileURLToPath(new URL('../../support/tls/ca.pem', import.meta.url));
  const text = '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n';
  const { cert, key, clientCa } = await readTls({ cert: file, key: text });
  expect(cert).toContain('BEGIN CERTIFICATE');
  expect(key).toBe(text);
  expect(clientCa).toBeUndefined();
  await expect(readTls({ cert: '/nowhere/cert.pem', key: text })).rejects.toMatchObject({
    code: 'invalid_argument',
    details: { field: 'gateway.tls.cert' },
  });
});
