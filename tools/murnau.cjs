'use strict';
// Starts the command line: of `bin/murnau`, and of `npm run -s murnau -- ARGS`. Every Node has to be able to read this
// file, or an old one would end at its syntax and not say what is wrong: so no module, and no new syntax.
var fs = require('fs');
var path = require('path');
var url = require('url');
var npmFlags = require('./npm-flags.cjs');

/** The checkout. */
var root = path.dirname(__dirname);
var entry = path.join(root, 'apps/cli/dist/main.js');

function refuse(text) {
  console.error(text);
  process.exit(2);
}

/** Whether npm runs this checkout's own script `murnau`, and not a script of some project that calls murnau. */
function isOwnScript() {
  if (process.env.npm_lifecycle_event !== 'murnau' || !process.env.npm_package_json) return false;
  try {
    return fs.realpathSync(process.env.npm_package_json) === path.join(root, 'package.json');
  } catch (error) {
    return false;
  }
}

var version = process.versions.node.split('.').map(Number);
if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
  refuse(
    'murnau needs Node 20.19 or newer (24 is recommended), and this is ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ').\nInstall a newer one (https://nodejs.org, or a version manager), then run the command again.',
  );
}
if (!fs.existsSync(entry) || !fs.existsSync(path.join(root, 'node_modules/commander'))) {
  refuse(
    'murnau is not set up in ' + root + '.\nRun `npm run bootstrap` there, or `npm start`, and try again.',
  );
}
if (isOwnScript()) {
  npmFlags.refuseSwallowedFlags('npm run -s murnau', process.argv.slice(2));
  // npm changes to the checkout; paths mean the folder that it was called from.
  if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
}
import(url.pathToFileURL(entry).href);
