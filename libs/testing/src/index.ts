export { repository, runCli, StackUnderTest, until } from './stack-under-test.js';
export type { CliResult } from './stack-under-test.js';
