import { describe, expect, it } from 'vitest';
import { createWorkerTrouble } from './worker-trouble.js';

describe('worker trouble', () => {
  it('blames the worker only for different runs in a row', () => {
    const trouble = createWorkerTrouble(3);
    for (let attempt = 0; attempt < 10; attempt += 1) trouble.failed('a', 'internal');
    expect(trouble.reason()).toBeUndefined();
    trouble.failed('b', 'internal');
    trouble.succeeded('d');
    trouble.failed('a', 'internal');
    trouble.failed('b', 'internal');
    expect(trouble.reason()).toBeUndefined();
    trouble.failed('c', 'device.out_of_memory');
    expect(trouble.reason()).toContain('device.out_of_memory');
    trouble.reset();
    expect(trouble.reason()).toBeUndefined();
  });
});
