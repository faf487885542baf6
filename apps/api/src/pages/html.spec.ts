import fc from 'fast-check';
import { expect, it } from 'vitest';
import { html } from './html.js';
import { lineChart, ticks } from './line-chart.js';

it('escapes what is put in, keeps what is markup already, drops what is absent', () => {
  const inner = html`<b>${'a & b'}</b>`;
  expect(String(html`<p title="${'"><script>'}">${[inner, 1, null, undefined, '<i>']}</p>`)).toBe(
    '<p title="&quot;&gt;&lt;script&gt;"><b>a &amp; b</b>1&lt;i&gt;</p>',
  );
});

it('lets no text out of a text or an attribute', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(String(html`${text}`)).not.toMatch(/[<>"']/);
    }),
  );
});

it('draws ticks at round numbers within the range', () => {
  expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(ticks(0.07, 0.31, 4)).toEqual([0.1, 0.2, 0.3]);
  fc.assert(
    fc.property(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
      (min, span) => {
        const drawn = ticks(min, min + span, 5);
        expect(drawn.length).toBeLessThanOrEqual(7);
        for (const tick of drawn) {
          expect(tick).toBeGreaterThanOrEqual(min - span * 1e-6);
          expect(tick).toBeLessThanOrEqual(min + span * (1 + 1e-6));
        }
      },
    ),
  );
});

it('draws any points without a number that is none', () => {
  const point = fc.record({ x: fc.nat(500), y: fc.double({ min: -1e9, max: 1e9, noNaN: true }) });
  fc.assert(
    fc.property(fc.array(point, { maxLength: 60 }), (points) => {
      const drawn = String(
        lineChart({ title: 't', xLabel: 'step', xMax: 500, series: [{ name: 's', points }] }),
      );
      expect(drawn).not.toMatch(/NaN|Infinity|undefined/);
    }),
    { numRuns: 50 },
  );
});
