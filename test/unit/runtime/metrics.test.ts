import { describe, expect, test } from 'vitest';
import { exitReason } from '../../../src/kernel/exit-reason.js';
import { TelemetryBus } from '../../../src/kernel/telemetry.js';
import { type Attributes, openTelemetry } from '../../../src/runtime/open-telemetry.js';
import { prometheusMetrics } from '../../../src/runtime/prometheus.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';

const call = { pool: 'default', callId: 1, target: 'echo', sessionId: null, workerId: 'w1' };

describe('the text for Prometheus', () => {
  test('counts every event, and times those that took a time', () => {
    const events = new TelemetryBus();
    const metrics = prometheusMetrics(events, { bucketsSeconds: [0.01, 1] });
    events.emit('call.ended', { ...call, durationMs: 5, code: 'ok' });
    events.emit('call.ended', { ...call, durationMs: 500, code: 'ok' });
    events.emit('call.ended', { ...call, durationMs: 5000, code: 'deadline_exceeded' });
    events.emit('session.expired', { sessionId: 'a' });
    expect(metrics.text()).toBe(
      `${[
        '# HELP coilyard_call_ended_total Events call.ended.',
        '# TYPE coilyard_call_ended_total counter',
        'coilyard_call_ended_total{pool="default",code="ok"} 2',
        'coilyard_call_ended_total{pool="default",code="deadline_exceeded"} 1',
        '# HELP coilyard_call_ended_seconds How long call.ended took.',
        '# TYPE coilyard_call_ended_seconds histogram',
        'coilyard_call_ended_seconds_bucket{pool="default",code="ok",le="0.01"} 1',
        'coilyard_call_ended_seconds_bucket{pool="default",code="ok",le="1"} 2',
        'coilyard_call_ended_seconds_bucket{pool="default",code="ok",le="+Inf"} 2',
        'coilyard_call_ended_seconds_sum{pool="default",code="ok"} 0.505',
        'coilyard_call_ended_seconds_count{pool="default",code="ok"} 2',
        'coilyard_call_ended_seconds_bucket{pool="default",code="deadline_exceeded",le="0.01"} 0',
        'coilyard_call_ended_seconds_bucket{pool="default",code="deadline_exceeded",le="1"} 0',
        'coilyard_call_ended_seconds_bucket{pool="default",code="deadline_exceeded",le="+Inf"} 1',
        'coilyard_call_ended_seconds_sum{pool="default",code="deadline_exceeded"} 5',
        'coilyard_call_ended_seconds_count{pool="default",code="deadline_exceeded"} 1',
        '# HELP coilyard_session_expired_total Events session.expired.',
        '# TYPE coilyard_session_expired_total counter',
        'coilyard_session_expired_total 1',
      ].join('\n')}\n`,
    );
  });

  test('has a bounded number of series whatever the labels are', () => {
    const events = new TelemetryBus();
    const metrics = prometheusMetrics(events);
    for (let index = 0; index < 3000; index += 1)
      events.emit('gateway.refused', { method: `m"${index}\n`, code: 'internal', principal: null });
    const lines = metrics.text().split('\n');
    expect(lines.length).toBeLessThan(1010);
    expect(lines).toContain('coilyard_gateway_refused_total 2000');
    expect(lines).toContain('coilyard_gateway_refused_total{method="m\\"0\\n",code="internal"} 1');
  });

  test('counts no more once it is closed, and leaves no listener', () => {
    const events = new TelemetryBus();
    const metrics = prometheusMetrics(events);
    metrics.close();
    expect(events.wants('session.expired')).toBe(false);
  });

  test('labels an exit by its kind', () => {
    const events = new TelemetryBus();
    const metrics = prometheusMetrics(events);
    events.emit('child.exited', { supervisor: 'sessions', childId: 'x', reason: exitReason.killed });
    expect(metrics.text()).toContain('coilyard_child_exited_total{supervisor="sessions",reason="killed"} 1');
  });
});

test('OpenTelemetry gets counts, durations, and a span for each call and run', () => {
  const events = new TelemetryBus();
  const told: unknown[] = [];
  const clock = new ManualClock(10_000);
  const off = openTelemetry(events, {
    clock,
    meter: {
      createCounter: (name) => ({
        add: (value: number, attributes?: Attributes) => told.push([name, value, attributes]),
      }),
      createHistogram: (name) => ({
        record: (value: number, attributes?: Attributes) => told.push([name, value, attributes]),
      }),
    },
    tracer: {
      startSpan: (name, options) => {
        told.push([name, options?.startTime, options?.attributes?.['coilyard.target']]);
        return { setStatus: (status) => told.push(status), end: (endTime) => told.push(endTime) };
      },
    },
  });
  events.emit('call.ended', { ...call, durationMs: 40, code: 'worker_lost' });
  off();
  events.emit('call.ended', { ...call, durationMs: 40, code: 'ok' });
  const labels = { pool: 'default', code: 'worker_lost' };
  expect(told).toEqual([
    ['coilyard.call.ended', 1, labels],
    ['coilyard.call.ended.duration', 40, labels],
    ['coilyard.call', 9_960, 'echo'],
    { code: 2, message: 'worker_lost' },
    10_000,
  ]);
});
