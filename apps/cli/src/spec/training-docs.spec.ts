import { readFileSync } from 'node:fs';
import { familyParameters, hyperparameterNames, hyperparametersSchema } from '@murnau/domain';
import { describe, expect, it } from 'vitest';

const page = readFileSync(new URL('../../../../docs/training.md', import.meta.url), 'utf8');
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .flatMap((line) => {
    const [, names = '', given = ''] = line.split('|').map((cell) => cell.trim());
    return [...names.matchAll(/`([a-z0-9_]+)`/g)].map(([, name = '']) => [name, given] as const);
  });

describe('docs/training.md', () => {
  it('has a row for each hyper-parameter, and no other', () => {
    expect(rows.map(([name]) => name).sort()).toEqual([...hyperparameterNames].sort());
  });

  it.each(rows.filter(([name]) => name !== 'schedule_steps'))('tells the default of %s', (name, given) => {
    const defaults: Readonly<Record<string, unknown>> = hyperparametersSchema.parse({});
    const own = familyParameters[name];
    expect(given).toBe(String(own !== undefined && 'default' in own ? own.default : defaults[name]));
  });
});
