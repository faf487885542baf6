// The walks of docs/architecture.md: lists of files in the order in which one reads them. Each file after the first is
// imported by one before it, or stands behind an interface that one before it imports and that the list names.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/** `1. \`path\` (interface \`Name\`): what it does` under a heading `### Walk: …`. */
const entry = /^\d+\. `([^`]+)`(?: \(interface `(\w+)`\))?/;

/** @returns {{ title: string, files: { path: string, interface: string | null }[] }[]} */
export function readWalks(markdown) {
  const walks = [];
  let walk = null;
  for (const line of markdown.split('\n')) {
    const heading = /^#+ (.*)$/.exec(line);
    if (heading) {
      walk = null;
      const title = /^Walk: (.*)$/.exec(heading[1])?.[1];
      if (title) walks.push((walk = { title, files: [] }));
    }
    const found = walk && entry.exec(line);
    if (found) walk.files.push({ path: found[1], interface: found[2] ?? null });
  }
  return walks;
}

const read = (root, file) => readFileSync(join(root, file), 'utf8');
const named = (list) =>
  list
    .split(',')
    .map((name) => name.trim().replace(/^type /, ''))
    .map((name) => name.split(/\s+as\s+/)[0])
    .filter(Boolean);

/** Names and modules that a TypeScript file takes in; `export … from` counts. */
function typescriptImports(text) {
  const statements = text.matchAll(/(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s*from\s*'([^']+)'/g);
  return [...statements].map(([, names, from]) => ({ names: named(names), from }));
}

function pythonImports(text) {
  const statements = text.matchAll(/^\s*from\s+([\w.]+)\s+import\s+(?:\(([^)]*)\)|([^\n]+))/gm);
  return [...statements].map(([, from, inBrackets, onLine]) => ({
    names: named((inBrackets ?? onLine).replace(/#[^\n]*/g, '')),
    from,
  }));
}

/** The file that an import of `name` leads to: through a package's entry point to where the name is defined. */
function resolveTypescript(root, file, from, name) {
  const own = from.startsWith('.') ? normalize(join(dirname(file), from)).replace(/\.js$/, '.ts') : null;
  const package_ = /^@murnau\/([\w-]+)$/.exec(from)?.[1];
  const target = own ?? (package_ ? `libs/${package_}/src/index.ts` : null);
  if (target === null || !existsSync(join(root, target))) return null;
  for (const inner of typescriptImports(read(root, target))) {
    if (
      inner.names.includes(name) &&
      new RegExp(`export[^;]*\\b${name}\\b[^;]*from\\s*'${inner.from.replaceAll('.', '\\.')}'`).test(
        read(root, target),
      )
    )
      return resolveTypescript(root, target, inner.from, name) ?? target;
  }
  return target;
}

function resolvePython(root, file, from, name) {
  const relative = /^(\.+)(.*)$/.exec(from);
  const base = relative
    ? normalize(join(dirname(file), ...Array(relative[1].length - 1).fill('..'), ...relative[2].split('.')))
    : `python-worker/src/${from.replaceAll('.', '/')}`;
  for (const path of [`${base}/${name}.py`, `${base}.py`]) if (existsSync(join(root, path))) return path;
  return null;
}

/** @returns {{ files: Set<string>, names: Set<string> }} what a file imports, followed to where it is defined */
export function importsOf(root, file) {
  const text = read(root, file);
  const isPython = file.endsWith('.py');
  const files = new Set();
  const names = new Set();
  for (const { names: taken, from } of isPython ? pythonImports(text) : typescriptImports(text)) {
    for (const name of taken) {
      names.add(name);
      const target = isPython
        ? resolvePython(root, file, from, name)
        : resolveTypescript(root, file, from, name);
      if (target) files.add(target);
    }
  }
  return { files, names };
}

/** @returns {string[]} one line for each station that cannot be reached, and for each file that is not there */
export function brokenStations(root, { title, files }) {
  const problems = [];
  const before = { files: new Set(), names: new Set() };
  for (const [index, station] of files.entries()) {
    if (!existsSync(join(root, station.path))) {
      problems.push(`${title}: ${station.path} does not exist`);
      continue;
    }
    const { path, interface: contract } = station;
    const isReached =
      index === 0 ||
      before.files.has(path) ||
      (contract !== null && before.names.has(contract) && read(root, path).includes(contract));
    if (!isReached) {
      const how = contract
        ? `and nothing before it imports ${contract}, or it does not name it`
        : 'by nothing before it';
      problems.push(`${title}: ${path} is imported ${how}`);
    }
    const own = importsOf(root, path);
    for (const kind of ['files', 'names']) for (const value of own[kind]) before[kind].add(value);
  }
  return problems;
}
