#!/usr/bin/env node
// Sets this checkout up: `node tools/bootstrap/main.mjs`. Needs only Node and Python, installs only inside the checkout,
// and does again only what changed. Only syntax of old Nodes here: it has to be able to refuse them.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `murnau needs Node 20.19 to 24, and this is ${process.versions.node} (${process.execPath}).\n` +
      'Install a newer one (https://nodejs.org, or your version manager: nvm install 24) and run the command again.',
  );
  process.exit(2);
}
const { bootstrap } = await import('./bootstrap.mjs');
// At once: when one half of the set-up failed, the other must not go on in silence.
if (!(await bootstrap()).ok) process.exit(1);
