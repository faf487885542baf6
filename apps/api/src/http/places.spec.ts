import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Places } from './places.js';

it('lets in as many as there is room for, the others in their order, and refuses what finds no room to wait', async () => {
  const places = new Places({ what: 'uploads', units: 4, mostWaiting: 2 });
  const entered: string[] = [];
  const enter = async (name: string, units: number) => {
    const giveBack = await places.take(units);
    entered.push(name);
    return giveBack;
  };
  const first = await enter('first', 3);
  const large = enter('large', 99); // all there is
  const small = enter('small', 1); // would fit, but is not let past
  await expect(places.take()).rejects.toMatchObject({ code: 'server.busy' });
  first();
  first(); // twice is once
  (await large)();
  (await small)();
  expect(entered).toEqual(['first', 'large', 'small']);
});

it('never holds more than its units, and is empty in the end, whatever comes', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(sizes, async (wanted) => {
      const places = new Places({ what: 'uploads', units: 8, mostWaiting: 10 });
      let held = 0;
      let refused = 0;
      const all = wanted.map(async (units, index) => {
        const giveBack = await places.take(units).catch(() => undefined);
        if (giveBack === undefined) return void (refused += 1);
        held += Math.min(units, 8);
        expect(held).toBeLessThanOrEqual(8);
        for (let turns = 0; turns < index % 5; turns += 1) await Promise.resolve();
        held -= Math.min(units, 8);
        giveBack();
      });
      await Promise.all(all);
      expect(refused).toBeLessThanOrEqual(Math.max(0, wanted.length - 10));
      (await places.take(8))();
    }),
  );
});

it('gives a place back when the work fails', async () => {
  const places = new Places({ what: 'sheets', units: 1, mostWaiting: 0 });
  await expect(places.during(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await places.during(() => Promise.resolve(1))).toBe(1);
});
