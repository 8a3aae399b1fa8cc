import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GetVariableResponse, VariablesService } from '../../../src/gen/coilyard/v1/variables.js';
import { RecordReplies } from '../../../src/gateway/record-reply.js';
import { systemClock } from '../../../src/kernel/clock.js';
import { encodeVariable } from '../../../src/wire/variables.js';
import { hostSessions } from '../../support/session-host.js';

test('a reply is what the contract says, at any revision and size, the first time and again', async () => {
  const session = await hostSessions({ clock: systemClock }).sessions.start();
  const replies = new RecordReplies().of(VariablesService.getVariable);
  for (const length of [0, 1, 100, 20_000]) {
    const name = `of_${length}`;
    await session.register(name, 'string', 'é'.repeat(length));
    const variable = session.variable(name);
    fc.assert(
      fc.property(fc.oneof(fc.nat(300), fc.maxSafeNat()), (revision) => {
        const reply = GetVariableResponse.decode(replies.responseSerialize({ revision, variable }));
        expect(reply).toEqual({ revision: BigInt(revision), variable: encodeVariable(variable) });
      }),
      { numRuns: 50 },
    );
  }
});
