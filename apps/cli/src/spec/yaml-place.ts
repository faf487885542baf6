import { isMap, isNode, isPair, isScalar, isSeq } from 'yaml';
import type { Document, LineCounter, Node } from 'yaml';

/** `parameters.pair.values[0].placeholder` → its parts. */
export function pathOf(field: string): (string | number)[] {
  return [...field.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name]) =>
    index === undefined ? (name ?? '') : Number(index),
  );
}

function startOf(node: Node | null | undefined): number | undefined {
  return node?.range?.[0];
}

/** Offset of the key, or list entry, that a path names; of its nearest parent where it is missing. */
function offsetOf(root: unknown, path: readonly (string | number)[]): number | undefined {
  const [head, ...rest] = path;
  if (head === undefined) return undefined;
  if (isMap(root)) {
    for (const pair of root.items) {
      if (!isPair(pair) || !isScalar(pair.key) || String(pair.key.value) !== String(head)) continue;
      return offsetOf(pair.value, rest) ?? startOf(pair.key);
    }
  }
  if (isSeq(root)) {
    const item = root.items[Number(head)];
    return offsetOf(item, rest) ?? (isNode(item) ? startOf(item) : undefined);
  }
  return undefined;
}

/** Line of the file, from 1, that an error's field is about; undefined where the file does not have it. */
export function lineOf(document: Document, lines: LineCounter, field: string): number | undefined {
  const offset = offsetOf(document.contents, pathOf(field));
  return offset === undefined ? undefined : lines.linePos(offset).line;
}
