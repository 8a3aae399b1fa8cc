/** `grpc.health.v1.Health`: whether the gateway and each of its services take calls. Open to everyone. */

import type { Server, ServerUnaryCall, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js';
import { status } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { grpcStatusOf } from './grpc-status.js';
import type { OpenStreams } from './open-streams.js';
import { openStream } from './stream-admission.js';
import type { StreamQuota } from './stream-quota.js';

type Serving = 'SERVING' | 'NOT_SERVING';

interface HealthRequest {
  readonly service: string;
}

interface HealthResponse {
  readonly status: Serving | 'SERVICE_UNKNOWN';
}

type HealthWatch = ServerWritableStream<HealthRequest, HealthResponse>;

export class Health {
  /** The empty name is the gateway as a whole. */
  readonly #services: ReadonlySet<string>;
  readonly #openStreams: OpenStreams;
  readonly #quota: StreamQuota;
  readonly #watches = new Set<HealthWatch>();
  #serving: Serving = 'SERVING';

  constructor(services: readonly string[], openStreams: OpenStreams, quota: StreamQuota) {
    this.#services = new Set(['', ...services]);
    this.#openStreams = openStreams;
    this.#quota = quota;
  }

  addTo(server: Server): void {
    server.addService(service, {
      Check: (call: ServerUnaryCall<HealthRequest, HealthResponse>, callback: sendUnaryData<HealthResponse>) => {
        if (this.#services.has(call.request.service)) callback(null, { status: this.#serving });
        else callback({ code: status.NOT_FOUND, details: 'there is no service of that name' });
      },
      Watch: (call: HealthWatch) => this.#watch(call),
      List: (_call: unknown, callback: sendUnaryData<{ readonly statuses: Record<string, HealthResponse> }>) => {
        const statuses = [...this.#services].map((name) => [name, { status: this.#serving }] as const);
        callback(null, { statuses: Object.fromEntries(statuses) });
      },
    });
  }

  /** From here on nobody should send calls; whoever watches hears of it. */
  drain(): void {
    this.#serving = 'NOT_SERVING';
    for (const call of this.#watches) call.write({ status: this.#serving });
  }

  #watch(call: HealthWatch): void {
    const isKnown = this.#services.has(call.request.service);
    openStream(
      this.#openStreams,
      call,
      // Nobody says who watches health: together they count as one.
      () => this.#quota.take('health'),
      () => {
        if (isKnown) this.#watches.add(call);
        call.write({ status: isKnown ? this.#serving : 'SERVICE_UNKNOWN' });
        return {
          end: (error) => call.emit('error', grpcStatusOf(error)),
          closed: () => this.#watches.delete(call),
        };
      },
    );
  }
}
