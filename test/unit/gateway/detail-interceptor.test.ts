import type { ServerInterceptingCall } from '@grpc/grpc-js';
import { expect, test } from 'vitest';
import { detailInterceptor } from '../../../src/gateway/detail-interceptor.js';
import { grpcStatusOf } from '../../../src/gateway/grpc-status.js';
import { VariablesService } from '../../../src/gen/coilyard/v1/variables.js';
import { CoilyardError } from '../../../src/kernel/errors.js';
import { STATUS_DETAILS_KEY } from '../../../src/wire/status.js';
import { decodeStatus } from '../../support/status.js';

type Status = Parameters<ServerInterceptingCall['sendStatus']>[0];

/** What every call of the library has in common. */
const library = {
  sendStatus(this: { readonly sent: Status[] }, status: Status): void {
    this.sent.push(status);
  },
};

/** An innermost call, and what it was asked to send. */
function aCall(): { readonly call: ServerInterceptingCall; readonly sent: readonly Status[] } {
  const sent: Status[] = [];
  return { call: Object.assign(Object.create(library), { sent }), sent };
}

function detailOf({ metadata }: Status): CoilyardError | undefined {
  const [details] = metadata?.get(STATUS_DETAILS_KEY) ?? [];
  return Buffer.isBuffer(details) ? decodeStatus(details) : undefined;
}

test('a refusal of the library itself gets its typed detail, and is sent by the call that it is of', () => {
  const intercept = detailInterceptor();
  const [first, second] = [aCall(), aCall()];
  for (const { call } of [first, second]) expect(intercept(VariablesService.getVariable, call)).toBe(call);
  second.call.sendStatus({ code: 8, details: 'Received message larger than max' });
  expect(first.sent).toEqual([]);
  expect(second.sent.map(detailOf)).toMatchObject([{ code: 'payload_too_large' }]);
  first.call.sendStatus({ code: 4, details: 'Deadline exceeded' });
  expect(first.sent.map(detailOf)).toMatchObject([{ code: 'deadline_exceeded' }]);
});

test('a refusal that has its detail, and an answer, are sent as they are', () => {
  const { call, sent } = aCall();
  detailInterceptor()(VariablesService.getVariable, call);
  const refusal = grpcStatusOf(new CoilyardError('cancelled', 'the caller has gone'));
  const answer = { code: 0, details: 'OK' };
  call.sendStatus(refusal);
  call.sendStatus(answer);
  expect(sent[0]).toBe(refusal);
  expect(sent[1]).toBe(answer);
});

test('all calls of a server are given one function: with one each, calls that are over are kept for long', () => {
  const intercept = detailInterceptor();
  const given = [aCall(), aCall(), aCall()].map(({ call }) => intercept(VariablesService.getVariable, call).sendStatus);
  expect(new Set(given).size).toBe(1);
});

test('the calls of other services are left alone', () => {
  const { call } = aCall();
  detailInterceptor()({ ...VariablesService.getVariable, path: '/grpc.health.v1.Health/Check' }, call);
  expect(call.sendStatus).toBe(library.sendStatus);
});
