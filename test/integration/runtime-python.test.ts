import { startRuntime } from 'coilyard';
import { scriptedWorkers } from 'coilyard/testing';
import { expect, test } from 'vitest';
import { startSupervisor, type Supervisor } from '../../supervisors/index.js';
import { systemClock, systemRandom } from '../../src/kernel/clock.js';
import { TelemetryBus } from '../../src/kernel/telemetry.js';
import { PythonRuntime } from '../../src/runtime/python-runtime.js';
import { AttachRegistry } from '../../src/workers/attach-registry.js';
import { ToolRegistry } from '../../src/workers/tool-registry.js';

const launcher = scriptedWorkers({ tools: { double: (args) => Number(args.get('n')) * 2 } });

test('the supervisor of all pools comes back with every pool that it had', async () => {
  const telemetry = new TelemetryBus();
  const shared = { clock: systemClock, random: systemRandom, telemetry };
  const root = await startSupervisor({ strategy: 'rest_for_one' });
  const python = new PythonRuntime({
    ...shared,
    pools: { default: { size: 1 }, other: { size: 1 } },
    launcher,
    registry: new AttachRegistry(shared),
    tools: new ToolRegistry(systemClock),
    gatewayAddress: async () => '127.0.0.1:1',
    frontDoor: async () => ({ address: '127.0.0.1:1', tls: 'none' }),
    refuseIfStopped: () => {},
    adopt: async (start) => {
      const supervisor = await root.startChild<Supervisor>({ id: 'python', type: 'supervisor', start });
      if (supervisor === undefined) throw new Error('the supervisor was ignored');
      return supervisor;
    },
    report: () => {},
  });
  await expect(python.call('double', { n: 4 })).resolves.toBe(8);
  await expect(python.call('double', { n: 5 }, { pool: 'other' })).resolves.toBe(10);
  const [child] = await root.whichChildren();
  const before = child?.process;
  if (before === undefined || before === 'restarting') throw new Error('the supervisor of all pools is not there');
  before.exit({ type: 'killed' });
  await before.exited;
  await expect(python.call('double', { n: 6 })).resolves.toBe(12);
  await expect(python.call('double', { n: 7 }, { pool: 'other' })).resolves.toBe(14);
  expect(root.tree().children?.[0]?.children?.map(({ id }) => id)).toEqual(['pool:default', 'pool:other']);
  python.close();
  await root.stop();
});

test('a runtime whose workers are scripted answers calls without Python', async () => {
  await using runtime = await startRuntime({ python: { launcher } });
  await expect(runtime.python.call('double', { n: 21 })).resolves.toBe(42);
});
