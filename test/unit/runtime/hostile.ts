/** Calls a function with everything that plain JavaScript can pass, in every place. */

import { CoilyardError, Runtime } from 'coilyard';

/** A function and good arguments for it. */
export type Row = readonly [call: unknown, ...good: readonly unknown[]];

/** What plain JavaScript can pass where an argument belongs. */
const hostile: readonly (readonly [string, () => unknown])[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['5', () => 5],
  ['an empty text', () => ''],
  ['{}', () => ({})],
  ['[]', () => []],
  ['a symbol', () => Symbol('hostile')],
  ['a function', () => () => undefined],
  ['a proxy that throws', () => throwing({})],
  ['a function proxy that throws', () => throwing(() => undefined)],
];

function throwing<Target extends object>(target: Target): Target {
  const trap = (): never => {
    throw new Error('do not look at me');
  };
  const called = (): never => {
    throw OWN;
  };
  return new Proxy(target, {
    get: trap,
    has: trap,
    ownKeys: trap,
    getPrototypeOf: trap,
    getOwnPropertyDescriptor: trap,
    apply: called,
    construct: called,
  });
}

/** What a caller's own function throws when it is called is the caller's business. */
const OWN = new Error('thrown by a function of the caller');

type Call = (...args: unknown[]) => unknown;

const HUNG = Symbol('hung');

/** Turns of the loop until a promise counts as hung: nothing here waits for a clock. */
async function turns(): Promise<typeof HUNG> {
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  return HUNG;
}

/** What a call came to; whatever it started is stopped. */
async function outcomeOf(call: () => unknown): Promise<unknown> {
  try {
    const result = await Promise.race([call(), turns()]);
    if (result === HUNG) return 'hung';
    await stop(result);
    return 'well';
  } catch (error) {
    return error === OWN ? 'well' : error;
  }
}

async function stop(started: unknown): Promise<void> {
  if (started === null || (typeof started !== 'object' && typeof started !== 'function')) return;
  try {
    if (started instanceof Runtime) await started.stop();
    else if ('alive' in started && 'exit' in started && typeof started.exit === 'function')
      started.exit({ type: 'killed' });
    else if ('return' in started && typeof started.return === 'function') await started.return();
  } catch {
    // A hostile value that came back.
  }
}

/** Every call with every hostile value in every place, the others being good. */
async function sweep(call: Call, good: readonly unknown[]): Promise<string[]> {
  const faults: string[] = [];
  for (let place = 0; place < good.length; place += 1)
    for (const [what, make] of hostile) {
      const args = good.map((value, index) => (index === place ? make() : value));
      const outcome = await outcomeOf(() => call(...args));
      if (outcome !== 'well' && !(outcome instanceof CoilyardError))
        faults.push(`${what} in place ${place}: ${outcome instanceof Error ? outcome.stack : String(outcome)}`);
    }
  return faults;
}

/** Each argument replaced, and each field of those that are objects. */
export async function sweepDeep([call, ...good]: Row): Promise<string[]> {
  if (typeof call !== 'function') throw new TypeError('no function');
  const apply: Call = (...args) => Reflect.apply(call, undefined, args);
  const faults = await sweep(apply, good);
  for (const [place, value] of good.entries()) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) continue;
    for (const field of Object.keys(value)) {
      const withField: Call = (changed) =>
        apply(...good.map((other, index) => (index === place ? { ...value, [field]: changed } : other)));
      faults.push(...(await sweep(withField, [undefined])).map((fault) => `${field}: ${fault}`));
    }
  }
  return faults;
}
