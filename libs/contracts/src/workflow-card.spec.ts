import { describe, expect, it } from 'vitest';
import { attributePairs, fairnessKeyOf } from './attributes.js';
import { workflowCard } from './workflow-card.js';

const long = ['a', 'ä', '一', '👩‍👩‍👧', '"', '\\', '[', '*'].map((letter) =>
  letter.repeat(Math.ceil(20_000 / Buffer.byteLength(letter))),
);

describe('a card', () => {
  it.each(long)('holds what Temporal takes, wrapped as JSON', (text) => {
    const { summary, details } = workflowCard({ summary: text, details: text, attributes: {} });
    // Of 400 and 20,000 bytes the wrapping takes some.
    expect(Buffer.byteLength(JSON.stringify(summary))).toBeLessThanOrEqual(360);
    expect(Buffer.byteLength(JSON.stringify(details))).toBeLessThanOrEqual(19_000);
    expect(summary.length).toBeGreaterThan(10);
    expect(summary.endsWith('…')).toBe(true);
    expect(summary).not.toMatch(/\p{Cs}/u);
  });

  it('is left as it is where it fits', () => {
    const card = {
      summary: 'lumicar from “car”',
      details: '**lumicar**',
      attributes: { MurnauOwner: 'ada' },
    };
    expect(workflowCard(card)).toEqual(card);
  });
});

it.each(long)('a keyword, and a key by which owners take turns, are cut by bytes', (text) => {
  const [{ value } = { value: '' }] = attributePairs({ MurnauOwner: text });
  expect(Buffer.byteLength(String(value))).toBeLessThanOrEqual(255);
  expect(Buffer.byteLength(fairnessKeyOf(text))).toBeLessThanOrEqual(64);
  for (const cut of [String(value), fairnessKeyOf(text)]) {
    expect(cut.length).toBeGreaterThan(0);
    expect(text.startsWith(cut)).toBe(true);
    expect(cut).not.toMatch(/\p{Cs}/u);
  }
});
