/**
 * What a life and its worker say to each other while they are connected: calls and answers are the pool's, asks the
 * tools', signs of life go both ways.
 */

import type { Clock } from '../kernel/clock.js';
import { CoilyardError, describeValue } from '../kernel/errors.js';
import type { TelemetryBus } from '../kernel/telemetry.js';
import type { AskFrame, HelloFrame, RuntimeFrame, WorkerFrame } from '../wire/frames.js';
import { AskDesk } from './ask-desk.js';
import type { Attachment } from './attachment.js';
import type { Guest } from './attach-registry.js';
import type { WorkerGrant } from './worker-grant.js';
import { Liveness } from './liveness.js';
import { leaseMsOf, type PoolSettings } from './pool-options.js';
import { Pulse } from './pulse.js';
import type { ToolRegistry } from './tool-registry.js';
import type { Vitals, WorkerLink, WorkerListener } from './worker-link.js';

export interface ConversationOptions {
  readonly who: Guest;
  readonly hello: HelloFrame;
  readonly attachment: Attachment;
  readonly grant: WorkerGrant;
  readonly settings: PoolSettings;
  /** Whether nobody here watches over its process: then it has a lease, and hears from this side as long as that stands. */
  readonly isRemote: boolean;
  readonly clock: Clock;
  readonly telemetry: TelemetryBus;
  readonly tools: Pick<ToolRegistry, 'call'>;
  readonly listener: WorkerListener;
  /** The worker gave no sign of life for too long. */
  readonly onSilence: (silentMs: number) => void;
  /** The pool has had enough of it. */
  readonly onKill: (error: CoilyardError) => void;
}

export class Conversation {
  /** The worker as the pool sees it. */
  readonly link: WorkerLink;
  readonly #options: ConversationOptions;
  readonly #asks: AskDesk;
  readonly #liveness: Liveness;
  readonly #pulse: Pulse | undefined;
  #vitals: Vitals = { loopLagMs: 0, residentBytes: 0 };
  #isOver = false;

  constructor(options: ConversationOptions) {
    const { who, hello, clock, settings, isRemote, tools, onSilence, onKill } = options;
    const { heartbeatIntervalMs: intervalMs, allowedMisses, maxPayloadBytes: maxFrameBytes } = settings;
    const { workerId, incarnation } = who;
    this.#options = options;
    const vitals = (): Vitals => this.#vitals;
    this.link = {
      lastCall: undefined,
      calls: 0,
      readyAtMs: clock.monotonicMs(),
      get vitals() {
        return vitals();
      },
      workerId,
      incarnation,
      hello,
      send: (frame) => this.#send(frame),
      kill: onKill,
    };
    this.#asks = new AskDesk({
      tools,
      who,
      send: this.link.send,
      outerOf: (callId) => options.listener.nestingOf(this.link, callId),
    });
    this.#liveness = new Liveness({ clock, intervalMs, allowedMisses, onSilence });
    const lease = isRemote ? { leaseMs: leaseMsOf(settings) } : {};
    this.#send({ type: 'welcome', workerId, heartbeatIntervalMs: intervalMs, maxFrameBytes, ...lease });
    if (isRemote) this.#pulse = new Pulse({ clock, intervalMs, give: () => this.#send({ type: 'pulse' }) });
  }

  receive(frame: Exclude<WorkerFrame, HelloFrame>): void {
    if (this.#isOver) return;
    const { listener, grant } = this.#options;
    this.#liveness.sign();
    switch (frame.type) {
      case 'heartbeat':
        this.#vitals = frame;
        return;
      case 'draining':
        listener.draining(this.link);
        return;
      case 'ask':
        this.#ask(frame);
        return;
      case 'ask_cancel':
        this.#asks.cancel(frame.askId);
        return;
      case 'result':
      case 'failure':
        grant.answered(frame.callId);
        listener.received(this.link, frame);
        return;
      default:
        listener.received(this.link, frame);
    }
  }

  /** From here on no frame is sent or heard. Idempotent. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#liveness.stop();
    this.#pulse?.stop();
    this.#asks.close();
    this.#options.listener.gone(this.link);
  }

  #send(frame: RuntimeFrame): boolean {
    const { attachment, grant } = this.#options;
    if (this.#isOver || !attachment.send(frame)) return false;
    if (frame.type === 'call' && frame.sessionId !== null) grant.given(frame.callId, frame.sessionId);
    return true;
  }

  /** On behalf of a session only where the worker may use it, as everywhere. */
  #ask(frame: AskFrame): void {
    const { who, grant, telemetry } = this.#options;
    const { askId, sessionId } = frame;
    if (sessionId === null || grant.has(sessionId)) {
      this.#asks.ask(frame);
      return;
    }
    const principal = `worker:${who.workerId}`;
    telemetry.emit('gateway.refused', { method: '/coilyard.v1.Workers/Attach', code: 'permission_denied', principal });
    this.#asks.refuse(
      askId,
      new CoilyardError('permission_denied', `${principal} may not use session ${describeValue(sessionId)}`, {
        details: { principal, sessionId },
      }),
    );
  }
}
