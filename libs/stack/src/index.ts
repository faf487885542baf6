export { describeStack } from './describe-stack.js';
export type { PartDescription, StackDescription } from './describe-stack.js';
export { startStack } from './start-stack.js';
export type { StackProgress } from './start-stack.js';
export { stopStack } from './stop-stack.js';
export { defaultPorts, shippedModels } from './settings.js';
export type { StackOptions } from './settings.js';
export { checkStack } from './check/check-stack.js';
export type { Check } from './check/check.js';
