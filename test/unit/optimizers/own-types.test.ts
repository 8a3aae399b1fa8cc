import { defineType, startRuntime } from 'coilyard';
import { expect, test } from 'vitest';

/** Kept as a text, seen as a date. */
const day = defineType<Date>({
  name: 'day',
  cast: (given) => (given instanceof Date ? given : new Date(String(given))),
  serialize: (date) => date.toISOString(),
  deserialize: (text) => new Date(String(text)),
});

test('values of a type of the program are seen everywhere as the session gives them', async () => {
  await using runtime = await startRuntime({ python: false, types: [day] });
  const session = await runtime.sessions.start();
  const [before, better] = [new Date(5), new Date(7)];
  await session.register('due', 'day', before);
  let asked = 0;
  runtime.optimizers.register('once', () => ({
    ask: () => {
      asked += 1;
      return asked % 2 === 1 ? { type: 'candidate', values: [better] } : { type: 'done' };
    },
    tell: () => {},
  }));
  const seen: unknown[] = [];
  const run = await runtime.optimizers.start(session, 'due', {
    optimizer: 'once',
    objective: (value, { values }) => {
      seen.push(value, values.get('due'));
      return value instanceof Date ? value.getTime() : NaN;
    },
  });
  const best = new Map([['due', better]]);
  expect((await run.ended).bestValues).toEqual(best);
  expect(seen).toEqual([before, before, better, better]);
  expect(run.status().bestValues).toEqual(best);
  expect(runtime.optimizers.status(session, 'due')?.bestValues).toEqual(best);
  for await (const { values, iteration } of run.trials())
    expect(values[0]?.value).toEqual([before, better][iteration - 1]);
  expect(session.get('due')).toEqual(better);

  const open = await runtime.optimizers.start(session, 'due', { optimizer: 'once' });
  const trial = await open.ask();
  expect(trial?.values).toEqual([{ name: 'due', type: 'day', value: better }]);
  if (trial === undefined) throw new Error('there is no trial');
  expect(await open.tell(trial, 1)).toMatchObject({
    trial: { values: [{ value: better }] },
    status: { bestValues: best },
  });
  expect((await open.stop()).bestValues).toEqual(best);
});
