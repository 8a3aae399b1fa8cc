import { expect, test } from 'vitest';
import { type RuntimeEvents, TelemetryBus } from '../../../src/kernel/telemetry.js';
import { settle } from '../../../src/testing/manual-clock.js';

type ListenerFailed = RuntimeEvents['telemetry.listener_failed'];

function aBus(): { bus: TelemetryBus; failures: ListenerFailed[] } {
  const bus = new TelemetryBus();
  const failures: ListenerFailed[] = [];
  bus.on('telemetry.listener_failed', (fields) => failures.push(fields));
  return { bus, failures };
}

test('a listener hears every later event of its name, in order of subscription, and of no other', () => {
  const { bus } = aBus();
  const heard: string[] = [];
  bus.emit('runtime.started', { atMs: 0 });
  bus.on('runtime.started', ({ atMs }) => heard.push(`first ${atMs}`));
  bus.on('runtime.started', ({ atMs }) => heard.push(`second ${atMs}`));
  bus.emit('runtime.started', { atMs: 1 });
  bus.emit('runtime.stopping', { atMs: 2 });
  expect(heard).toEqual(['first 1', 'second 1']);
});

test('a listener that throws is isolated, removed and reported once', () => {
  const { bus, failures } = aBus();
  const heard: number[] = [];
  let calls = 0;
  bus.on('runtime.started', () => {
    calls += 1;
    throw new Error('boom');
  });
  bus.on('runtime.started', ({ atMs }) => heard.push(atMs));
  bus.emit('runtime.started', { atMs: 1 });
  bus.emit('runtime.started', { atMs: 2 });
  expect(heard).toEqual([1, 2]);
  expect(calls).toBe(1);
  expect(failures).toEqual([{ event: 'runtime.started', error: new Error('boom') }]);
});

test('a listener that rejects is removed and reported once, and reaches no global handler', async () => {
  const { bus, failures } = aBus();
  let calls = 0;
  bus.on('runtime.started', async () => {
    calls += 1;
    throw new Error('later');
  });
  bus.emit('runtime.started', { atMs: 1 });
  bus.emit('runtime.started', { atMs: 2 });
  await settle();
  bus.emit('runtime.started', { atMs: 3 });
  expect(calls).toBe(2);
  expect(failures).toEqual([{ event: 'runtime.started', error: new Error('later') }]);
});

test('a listener that emits its own event and then throws at every depth is reported once', () => {
  const { bus, failures } = aBus();
  bus.on('runtime.started', ({ atMs }) => {
    if (atMs < 5) bus.emit('runtime.started', { atMs: atMs + 1 });
    throw new Error(`boom ${atMs}`);
  });
  bus.emit('runtime.started', { atMs: 0 });
  expect(failures).toHaveLength(1);
});

test('a listener of the failure event that throws harms nobody and ends nothing', () => {
  const bus = new TelemetryBus();
  bus.on('telemetry.listener_failed', () => {
    throw new Error('the reporter fails too');
  });
  bus.on('runtime.started', () => {
    throw new Error('boom');
  });
  bus.emit('runtime.started', { atMs: 1 });
  expect(bus.wants('telemetry.listener_failed')).toBe(false);
});

test('unsubscribing is idempotent, also from within the listener', () => {
  const { bus } = aBus();
  const heard: number[] = [];
  const off = bus.on('runtime.started', ({ atMs }) => {
    heard.push(atMs);
    off();
    off();
  });
  bus.emit('runtime.started', { atMs: 1 });
  bus.emit('runtime.started', { atMs: 2 });
  off();
  expect(heard).toEqual([1]);
});

test('a listener that another one unsubscribed hears nothing more, not even of the event under way', () => {
  const { bus } = aBus();
  const heard: string[] = [];
  bus.on('runtime.started', () => off());
  const off = bus.on('runtime.started', () => heard.push('second'));
  bus.emit('runtime.started', { atMs: 1 });
  expect(heard).toEqual([]);
});

test('the same function subscribed twice hears twice, and each subscription ends for itself', () => {
  const { bus } = aBus();
  let calls = 0;
  const listener = (): void => {
    calls += 1;
  };
  const off = bus.on('runtime.started', listener);
  bus.on('runtime.started', listener);
  bus.emit('runtime.started', { atMs: 1 });
  off();
  bus.emit('runtime.started', { atMs: 2 });
  expect(calls).toBe(3);
});

test('the bus wants an event exactly while somebody listens', () => {
  const { bus } = aBus();
  expect(bus.wants('runtime.started')).toBe(false);
  const off = bus.on('runtime.started', () => {});
  expect(bus.wants('runtime.started')).toBe(true);
  off();
  expect(bus.wants('runtime.started')).toBe(false);
  bus.on('runtime.started', () => {});
  bus.close();
  expect(bus.wants('runtime.started')).toBe(false);
});

test('a name that no event has is refused with the names that it may have meant, and nothing is heard of', () => {
  const { bus } = aBus();
  const names = [
    'no.such',
    'variable.update',
    'sesion.started',
    '',
    '__proto__',
    5,
    null,
    Symbol('s'),
    'x'.repeat(1e6),
  ];
  for (const name of names)
    expect(() =>
      // @ts-expect-error: from plain JavaScript
      bus.on(name, () => {}),
    ).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  // @ts-expect-error: from plain JavaScript
  expect(() => bus.on('variable.update', () => {})).toThrow(
    'name: expected the name of an event, such as variable.updated, variable.deleted, variable.refused, got "variable.update"',
  );
  // @ts-expect-error: from plain JavaScript
  expect(() => bus.on('runtime.started', 5)).toThrow('listener: expected a function, got 5');
  expect(bus.wants('runtime.started')).toBe(false);
});
