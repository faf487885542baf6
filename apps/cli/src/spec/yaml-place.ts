import { isAlias, isMap, isNode, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node, YAMLParseError, YAMLWarning } from 'yaml';
import { MurnauError } from '@murnau/domain';

/** `parameters.pair.values[0].placeholder` → its parts. */
function pathOf(field: string): (string | number)[] {
  return [...field.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name]) =>
    index === undefined ? (name ?? '') : Number(index),
  );
}

function startOf(node: Node | null | undefined): number | undefined {
  return node?.range?.[0];
}

/** Offset of the key, or list entry, that a path names; of its nearest parent where it is missing. */
function offsetOf(document: Document, root: unknown, path: readonly (string | number)[]): number | undefined {
  const [head, ...rest] = path;
  if (head === undefined) return undefined;
  const node = isAlias(root) ? root.resolve(document) : root;
  if (isMap(node)) {
    for (const pair of node.items) {
      if (!isPair(pair) || !isScalar(pair.key) || String(pair.key.value) !== String(head)) continue;
      return offsetOf(document, pair.value, rest) ?? startOf(pair.key);
    }
  }
  if (isSeq(node)) {
    const item = node.items[Number(head)];
    return offsetOf(document, item, rest) ?? (isNode(item) ? startOf(item) : undefined);
  }
  return undefined;
}

/** In the words of a file's writer, not of the parser's caller. */
function problemOf({ code, message, pos }: YAMLParseError | YAMLWarning, text: string): string {
  if (code === 'DUPLICATE_KEY') {
    const [key = ''] = /^[^:\s]*/.exec(text.slice(pos[0])) ?? [];
    return `the key "${key}" is given twice`;
  }
  return code === 'MULTIPLE_DOCS' ? 'a second document begins here; a file holds one' : message;
}

/** Whether the values of a key are ids, or beginnings of ids: hexadecimal digits that may be those of a number. */
export const isIdKey = (key: unknown): boolean => key === 'dataset' || key === 'initializer_embedding';

/** Gives ids as they are written: 16757261 and 60e18213 are no numbers there. */
function keepIds(document: Document): void {
  visit(document, {
    Pair: (_, { key, value }) => {
      if (!isScalar(key) || !isIdKey(key.value) || !isScalar(value)) return;
      if (typeof value.value === 'number' && value.source !== undefined) value.value = value.source;
    },
  });
}

export interface YamlFile {
  readonly value: unknown;
  /** `file.yaml:LINE:COLUMN`, both from 1, of the key or entry that a field names; of its parent where it is missing. */
  readonly placeOf: (field: string) => string;
  /** Whether the file has the key or entry, or a parent of it below the top. */
  readonly has: (field: string) => boolean;
}

/**
 * Reads one YAML document. Keys are given once, tags and more documents than one are refused, anchors are followed.
 * @param name as errors call the file
 * @throws MurnauError `spec.invalid` with line and column
 */
export function readYaml(text: string, name: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };
  const refuse = (offset: number, problem: string, cause: unknown): never => {
    throw new MurnauError('spec.invalid', `${at(offset)}: not valid YAML: ${problem}`, { cause });
  };
  const [trouble] = [...document.errors, ...document.warnings];
  if (trouble !== undefined) refuse(trouble.pos[0], problemOf(trouble, text), trouble);
  visit(document, {
    Alias: (_, alias) => {
      if (alias.resolve(document) !== undefined) return;
      refuse(startOf(alias) ?? 0, `there is no anchor &${alias.source} before it`, undefined);
    },
  });
  keepIds(document);
  const top = startOf(document.contents) ?? 0;
  let value: unknown;
  try {
    value = document.toJS() ?? {};
  } catch (cause) {
    refuse(top, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const find = (field: string): number | undefined => offsetOf(document, document.contents, pathOf(field));
  return {
    value,
    placeOf: (field) => at(find(field) ?? top),
    has: (field) => find(field) !== undefined,
  };
}
