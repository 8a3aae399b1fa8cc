import { expect, test } from 'vitest';
import { StreamQuota } from '../../../src/gateway/stream-quota.js';

test('each principal has its own number of streams, and gets back what it closes, once', () => {
  const quota = new StreamQuota(2);
  const first = quota.take('ann');
  quota.take('ann');
  expect(() => quota.take('ann')).toThrow(
    expect.objectContaining({ code: 'rate_limited', retryable: true, details: { principal: 'ann', limit: 2 } }),
  );
  quota.take('bob');
  first();
  first();
  quota.take('ann');
  expect(() => quota.take('ann')).toThrow(/all it may have/);
});
