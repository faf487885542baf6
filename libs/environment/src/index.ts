// What every program reads of its environment before anything else. It imports nothing: completion waits for it.
export { keepLoopbackDirect, loopbackExceptions } from './direct-loopback.js';
export { FolderError } from './folder-error.js';
export { accountName, dataFolder, homeFolder, settingsFolder } from './folders.js';
export { shellWord } from './shell-word.js';
