#!/usr/bin/env node
// The tables of docs/reliability.md from what a chaos run wrote to stderr: node tools/chaos/table.mjs < chaos.log
import { text } from 'node:stream/consumers';
import { moments, partKinds } from './faults.mjs';
import { median } from './report.mjs';

const struck = (await text(process.stdin))
  .split('\n')
  .map((line) => line.slice(line.indexOf('{')))
  .filter((line) => line.startsWith('{"part"'))
  .map((line) => JSON.parse(line))
  .filter(({ recovery_s: seconds }) => seconds !== null);

/** @param {readonly number[]} values */
const cell = (values) =>
  values.length === 0
    ? '–'
    : `${median(values).toFixed(1)} · ${Math.max(...values).toFixed(1)} (${values.length})`;
/** @param {readonly string[]} cells */
const row = (cells) => `| ${cells.join(' | ')} |`;

/** @param {string} part @param {(fault: any) => boolean} isWanted */
const seconds = (part, isWanted) =>
  cell(struck.filter((fault) => fault.part === part && isWanted(fault)).map((fault) => fault.recovery_s));

console.log(row(['killed', ...moments]));
console.log(row(['---', ...moments.map(() => '---')]));
for (const part of partKinds) {
  console.log(row([part, ...moments.map((at) => seconds(part, (f) => f.how === 'kill' && f.moment === at))]));
}
console.log(
  `\n${row(['part', 'killed', 'killed, alone', 'stopped for 20 s'])}\n${row(Array(4).fill('---'))}`,
);
for (const part of partKinds) {
  const killed = seconds(part, ({ how }) => how === 'kill');
  const alone = seconds(part, ({ how, is_alone: is }) => how === 'kill' && is);
  console.log(row([part, killed, alone, seconds(part, ({ how }) => how === 'stop')]));
}
