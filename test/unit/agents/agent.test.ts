import { expect, test } from 'vitest';
import { Agent } from '../../../src/agents/agent.js';
import { defineAgent } from '../../../src/agents/define-agent.js';
import { dspy } from '../../../src/agents/dspy.js';
import { variable } from '../../../src/agents/variable.js';
import { settle } from '../../../src/testing/manual-clock.js';
import { hostAgents } from '../../support/agent-host.js';

const Research = defineAgent({
  name: 'research',
  variables: {
    temperature: variable.float(1, { min: 0, max: 1.5 }),
    strategy: variable.module('ChainOfThought', { choices: ['Predict', 'ChainOfThought'] }),
  },
  modules: {
    Predict: dspy.Predict('question -> answer'),
    ChainOfThought: dspy.ChainOfThought('question -> answer'),
  },
  async forward({ variables, modules }, input: { question: string }) {
    return modules.execute(variables.strategy, input);
  },
});

test('a run uses the values that are committed when it reads them', async () => {
  const { sessions, services, executions } = hostAgents(() => ({ answer: 'yes', reasoning: 'because' }));
  const agent = await Agent.start(await sessions.start(), Research, services);
  await expect(agent.run({ question: 'why?' })).resolves.toEqual({ answer: 'yes', reasoning: 'because' });
  await agent.session.set('strategy', 'Predict');
  await agent.run({ question: 'why?' });
  expect(executions.map(({ recipe }) => recipe.kind)).toEqual(['ChainOfThought', 'Predict']);
});

test('a module call carries the declared values as their types, all of one revision', async () => {
  const { sessions, services, executions } = hostAgents();
  const agent = await Agent.start(await sessions.start(), Research, services);
  await agent.run({ question: 'why?' });
  const options = executions[0]?.options;
  expect(options?.variables?.get('temperature')).toEqual({ value: 1, kind: 'float' });
  expect(options?.variables?.get('strategy')).toEqual({ value: 'ChainOfThought', kind: 'module' });
  expect(options?.revision).toBe(agent.session.revision);
  expect(options?.sessionId).toBe(agent.session.id);
});

test('a module call carries what the language model understands although the agent does not declare it', async () => {
  const { sessions, services, executions } = hostAgents();
  const session = await sessions.start();
  await session.register('max_tokens', 'integer', 256);
  const agent = await Agent.start(session, Research, services);
  await agent.run({ question: 'why?' });
  expect(executions[0]?.options?.variables?.get('max_tokens')).toEqual({ value: 256, kind: 'integer' });
});

test('starting an agent twice in a session keeps the values it has', async () => {
  const { sessions, services } = hostAgents();
  const session = await sessions.start();
  const first = await Agent.start(session, Research, services);
  await first.session.set('temperature', 0.2);
  const second = await Agent.start(session, Research, services);
  expect(second.session.get('temperature')).toBe(0.2);
  expect(second.session.variable('temperature').version).toBe(1);
});

test('an agent does not take over a variable of another type', async () => {
  const { sessions, services } = hostAgents();
  const session = await sessions.start();
  await session.register('temperature', 'string', 'hot');
  await expect(Agent.start(session, Research, services)).rejects.toMatchObject({ code: 'variable_exists' });
  expect(session.list()).toHaveLength(1);
});

test('a module variable can only name modules that the agent has', () => {
  const broken = () =>
    defineAgent({
      name: 'broken',
      variables: { strategy: variable.module('Predict', { choices: ['Predict', 'Refine'] }) },
      modules: { Predict: dspy.Predict('question -> answer') },
      forward: () => 'never',
    });
  expect(broken).toThrow(/there is no module Refine; known are Predict/);
});

test.each([
  ['question answer', 'exactly one'],
  ['a -> b -> c', 'exactly one'],
  ['question -> ', 'at least one output'],
  ['question, question -> answer', 'each field name once'],
  ['my question -> answer', 'field names'],
])('the signature %j is refused when it is written', (signature, reason) => {
  expect(() => dspy.Predict(signature)).toThrow(reason);
});

test('commas inside brackets belong to their field', () => {
  expect(() => dspy.Predict("rows: dict[str, int], q -> label: Literal['a','b'], p: float")).not.toThrow();
});

test('what forward throws is what run rejects with', async () => {
  const { sessions, services } = hostAgents();
  const failure = new RangeError('mine');
  const Failing = defineAgent({
    name: 'failing',
    forward: () => {
      throw failure;
    },
  });
  const agent = await Agent.start(await sessions.start(), Failing, services);
  await expect(agent.run()).rejects.toBe(failure);
  expect(agent.session.revision).toBe(0);
});

test('a run that hangs ends at its deadline and its signal says so', async () => {
  const { sessions, services, clock } = hostAgents();
  let seen: AbortSignal | undefined;
  const Hanging = defineAgent({
    name: 'hanging',
    forward: ({ signal }) => {
      seen = signal;
      return new Promise<never>(() => {});
    },
  });
  const agent = await Agent.start(await sessions.start(), Hanging, services);
  const run = agent.run(undefined, { timeoutMs: 100 });
  const outcome = expect(run).rejects.toMatchObject({ code: 'deadline_exceeded' });
  await clock.advance(100);
  await outcome;
  expect(seen?.aborted).toBe(true);
  expect(clock.pendingTimers).toBe(0);
});

test('a cancelled run leaves the session and other runs alone', async () => {
  const { sessions, services } = hostAgents();
  const waiting: (() => void)[] = [];
  const Waiting = defineAgent({
    name: 'waiting',
    variables: { count: variable.integer(0) },
    forward: async ({ session }, by: number) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      await session.set('count', by);
      return by;
    },
  });
  const agent = await Agent.start(await sessions.start(), Waiting, services);
  const caller = new AbortController();
  const cancelled = agent.run(1, { signal: caller.signal });
  const other = agent.run(2);
  const outcome = expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
  await settle();
  caller.abort();
  await outcome;
  for (const resume of waiting) resume();
  await expect(other).resolves.toBe(2);
  expect(agent.session.get('count')).toBe(2);
});

test('a run reports its start and its end', async () => {
  const { sessions, services } = hostAgents();
  const heard: string[] = [];
  services.telemetry.on('run.started', ({ agent }) => heard.push(`started ${agent}`));
  services.telemetry.on('run.ended', ({ agent, code }) => heard.push(`ended ${agent} ${code}`));
  const Quick = defineAgent({ name: 'quick', forward: () => 1 });
  const agent = await Agent.start(await sessions.start(), Quick, services);
  await agent.run();
  expect(heard).toEqual(['started quick', 'ended quick ok']);
});

test('an agent can declare variables of every type', async () => {
  const { sessions, services } = hostAgents();
  const Every = defineAgent({
    name: 'every',
    variables: {
      tags: variable.list(['a'], { maxItems: 3 }),
      settings: variable.map({ depth: 1 }),
      context: variable.embedding([3, 4], { dimensions: 2, normalize: true }),
      weights: variable.tensor([[1, 2]], { shape: [1, 2] }),
    },
    forward: ({ variables }) => ({ tags: variables.tags, first: [...variables.context.data].map(Number) }),
  });
  const agent = await Agent.start(await sessions.start(), Every, services);
  const { tags, first } = await agent.run();
  expect(tags).toEqual(['a']);
  expect(first.map((part) => part.toFixed(1))).toEqual(['0.6', '0.8']);
  expect(agent.session.list().map(({ type }) => type)).toEqual(['list', 'map', 'embedding', 'tensor']);
});

test('what is no definition is refused by name', () => {
  // @ts-expect-error: from plain JavaScript
  expect(() => defineAgent(null)).toThrow(/definition: expected an object/);
});
