import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { errorRegistry, isErrorCode, MurnauError, toMurnauError } from './errors.js';

const page = new URL('../../../docs/errors.md', import.meta.url);

it('is listed whole in docs/errors.md', () => {
  const rows = Object.entries(errorRegistry).map(
    ([code, { retryable, httpStatus, exitCode, nextStep }]) =>
      `| \`${code}\` | ${httpStatus} | ${exitCode} | ${retryable ? 'yes' : 'no'} | ${nextStep.replaceAll('|', '\\|')} |`,
  );
  const text = `# Errors

Every error names its code on the command line, in the HTTP API (RFC 9457, member \`code\`) and in the Temporal UI.

| code | HTTP | exit | passes by itself | what to do |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
  if (process.env['UPDATE_GOLDENS'] === '1') writeFileSync(page, text);
  expect(readFileSync(page, 'utf8')).toBe(text);
});

it('wraps what is no MurnauError and keeps the cause', () => {
  const cause = new TypeError('boom');
  const wrapped = toMurnauError(cause);
  expect(wrapped).toMatchObject({ code: 'internal', message: 'boom', cause });
  const own = new MurnauError('run.not_found', 'no run 1234');
  expect(toMurnauError(own)).toBe(own);
  expect(own.kind.exitCode).toBe(102);
});

it('takes an error at its word that names a code of the registry', () => {
  const told = Object.assign(new Error('no home'), { code: 'setup.home_unusable', given: 'nothing' });
  expect(toMurnauError(told)).toMatchObject({
    code: 'setup.home_unusable',
    message: 'no home',
    given: 'nothing',
    cause: told,
  });
  expect(toMurnauError(Object.assign(new Error('gone'), { code: 'ENOENT' })).code).toBe('internal');
});

it('knows its own codes only', () => {
  expect(isErrorCode('run.not_found')).toBe(true);
  expect(isErrorCode('toString')).toBe(false);
});
