/** Counts the calls that judge mails, and their answers. A call that is made again on another worker is one call. */

import type { Runtime } from 'coilyard';

export class CallCount {
  begun = 0;
  answered = 0;
  /** By worker. */
  readonly answeredBy = new Map<string, number>();
  readonly stop: () => void;

  /** Counts from now on, until `stop`. */
  constructor({ events }: Runtime) {
    const offs = [
      events.on('call.started', ({ pool }) => {
        if (pool === 'default') this.begun += 1;
      }),
      events.on('call.ended', ({ pool, code, workerId }) => {
        if (pool !== 'default' || code !== 'ok' || workerId === null) return;
        this.answered += 1;
        this.answeredBy.set(workerId, (this.answeredBy.get(workerId) ?? 0) + 1);
      }),
    ];
    this.stop = () => {
      for (const off of offs) off();
    };
  }
}
