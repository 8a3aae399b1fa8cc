/** What holds for every message of the wire contract. */

import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { type DescriptorProto, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';

const { file: described } = fromBinary(
  FileDescriptorSetSchema,
  readFileSync(new URL('../../proto/coilyard.binpb', import.meta.url)),
);
/** Without the standard services, which are described beside it. */
const files = described.filter((file) => file.package === 'coilyard.v1');
const methods = files.flatMap(({ service }) =>
  service.flatMap(({ name, method }) => method.map((one) => ({ ...one, service: name }))),
);
const messages = new Map(
  files.flatMap((file) => file.messageType.map((type) => [`.${file.package}.${type.name}`, type])),
);

const has = (message: DescriptorProto | undefined, field: string): boolean =>
  message?.field.some(({ name }) => name === field) === true;

/** A session that was stopped has no revision; what a tool answers is not about the session that it is called for. */
const aboutNoSession = ['StopSession', 'CallTool'];

test('every reply about a session has its revision', () => {
  const about = methods.filter(
    ({ name, inputType, serverStreaming }) =>
      !serverStreaming && !aboutNoSession.includes(name) && has(messages.get(inputType), 'session_id'),
  );
  expect(about.length).toBeGreaterThan(18);
  const silent = about.filter(({ outputType }) => {
    const reply = messages.get(outputType);
    return !has(reply, 'revision') && !has(reply, 'session');
  });
  expect(silent.map(({ name }) => name)).toEqual([]);
});

test('every request that changes something has an id', () => {
  const reading = /^(Get|List|Touch|Renew|Check|Export|Watch|Follow|Attach|Carry)/;
  const changing = methods.filter(({ name }) => !reading.test(name));
  expect(changing.length).toBeGreaterThan(10);
  expect(
    changing.filter(({ inputType }) => !has(messages.get(inputType), 'request_id')).map(({ name }) => name),
  ).toEqual([]);
});
