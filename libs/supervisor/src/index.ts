export { endOfLog, readText, writeJson, writeText } from './files.js';
export { GuardKeeper } from './guard-keeper.js';
export type { GuardPlan } from './guard-keeper.js';
export {
  findByEnvironment,
  groupOf,
  identify,
  isAlive,
  processIdentitySchema,
} from './identity.js';
export type { ProcessIdentity } from './identity.js';
export { Keeper } from './keeper.js';
export { tryLock, unlock, withLock, withLockIfPossible } from './lock.js';
export { rotateLogs } from './logs.js';
export type { Part, PartPlan } from './part.js';
export { partRecordSchema } from './part-record.js';
export type { PartRecord, PartState } from './part-record.js';
export { describePortHolder, probePort } from './ports.js';
export type { PortState } from './ports.js';
export { signal, stopProcess } from './stop.js';
