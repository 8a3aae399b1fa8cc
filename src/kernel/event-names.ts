/**
 * The names of telemetry events as data: whoever listens to one that does not exist would wait for ever. A test compares
 * them with the types.
 */

const names = Object.freeze({
  'runtime.started': true,
  'runtime.stopping': true,
  'runtime.stopped': true,
  'gateway.listening': true,
  'gateway.refused': true,
  'session.started': true,
  'session.stopped': true,
  'session.expired': true,
  'session.crashed': true,
  'variable.registered': true,
  'variable.updated': true,
  'variable.configured': true,
  'variable.deleted': true,
  'variable.refused': true,
  'optimization.started': true,
  'optimization.trial': true,
  'optimization.ended': true,
  'observer.failed': true,
  'child.started': true,
  'child.exited': true,
  'child.restart_scheduled': true,
  'child.restart_failed': true,
  'child.restarted': true,
  'child.gave_up': true,
  'child.stop_timeout': true,
  'child.breaker': true,
  'worker.started': true,
  'worker.ready': true,
  'worker.exited': true,
  'worker.recycled': true,
  'worker.frame_dropped': true,
  'worker.log': true,
  'zygote.started': true,
  'zygote.ready': true,
  'zygote.unfit': true,
  'zygote.bypassed': true,
  'zygote.exited': true,
  'zygote.log': true,
  'call.started': true,
  'call.ended': true,
  'run.started': true,
  'run.ended': true,
  'telemetry.listener_failed': true,
});

export const isEventName = (name: unknown): boolean => typeof name === 'string' && Object.hasOwn(names, name);

/** The events whose names are most like a word, the likest first. */
export function eventNamesLike(word: unknown, count = 3): string[] {
  const asked = typeof word === 'string' ? word.slice(0, MAX_WORD) : '';
  return Object.keys(names)
    .map((name) => ({ name, distance: distanceBetween(asked, name) }))
    .sort((one, other) => one.distance - other.distance)
    .slice(0, count)
    .map(({ name }) => name);
}

const MAX_WORD = 64;

/** Levenshtein: how many letters have to be put in, left out or replaced. */
function distanceBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 1; at <= one.length; at += 1) {
    const next = [at];
    for (let index = 1; index <= other.length; index += 1) {
      const [before = 0, above = 0, left = 0] = [row[index - 1], row[index], next[index - 1]];
      next.push(Math.min(above + 1, left + 1, before + (one[at - 1] === other[index - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}
