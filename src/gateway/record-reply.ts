/**
 * The replies of GetVariable and SetVariable: a revision and one variable. A record is never changed, so its bytes are
 * made once; what is asked for again and again costs a copy of them. `npm run bench -- gateway-get` measures the whole.
 */

import { Variable as WireVariable } from '../gen/coilyard/v1/variables.js';
import type { SessionHandle } from '../sessions/handle.js';
import { encodeVariable } from '../wire/variables.js';
import { varintSize, writeVarint } from '../wire/varint.js';
import type { RpcMethod } from './unary.js';

type Variable = NonNullable<ReturnType<SessionHandle['lookUp']>>;

export interface RecordReply {
  readonly revision: number;
  readonly variable: Variable;
}

/** `revision` and `variable`, the same in both replies. */
const REVISION_TAG = 8;
const VARIABLE_TAG = 18;

export class RecordReplies {
  readonly #encoded = new WeakMap<Variable, Uint8Array>();

  /** The method with this way to encode its reply. */
  of<Request>(method: RpcMethod<Request, unknown>): RpcMethod<Request, RecordReply> {
    return {
      path: method.path,
      requestDeserialize: method.requestDeserialize,
      responseSerialize: (reply) => this.#encode(reply),
    };
  }

  #encode({ revision, variable }: RecordReply): Buffer {
    const bytes = this.#bytesOf(variable);
    const size = 2 + varintSize(revision) + varintSize(bytes.byteLength) + bytes.byteLength;
    // From the pool for small replies: no allocation outside of the heap, unlike a writer's.
    const reply = Buffer.allocUnsafe(size);
    let at = 0;
    reply[at++] = REVISION_TAG;
    at = writeVarint(reply, revision, at);
    reply[at++] = VARIABLE_TAG;
    at = writeVarint(reply, bytes.byteLength, at);
    reply.set(bytes, at);
    return reply;
  }

  #bytesOf(variable: Variable): Uint8Array {
    const known = this.#encoded.get(variable);
    if (known !== undefined) return known;
    const bytes = WireVariable.encode(encodeVariable(variable)).finish();
    this.#encoded.set(variable, bytes);
    return bytes;
  }
}
