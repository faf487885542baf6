/** Levenshtein distance between two short words. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** Longer words are not compared: the time grows with the product of both lengths. */
const longestCompared = 64;

/** The known word nearest to a mistyped one, if it is near enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > longestCompared) return undefined;
  let best: { word: string; cost: number; edits: number } | undefined;
  for (const candidate of known) {
    const edits = distance(word.toLowerCase(), candidate);
    const isBeginning = candidate.startsWith(word) || word.startsWith(candidate);
    const cost = isBeginning ? Math.min(1, edits) : edits;
    const isBetter = best === undefined || cost < best.cost || (cost === best.cost && edits < best.edits);
    if (isBetter) best = { word: candidate, cost, edits };
  }
  return best !== undefined && best.cost <= Math.max(2, Math.floor(word.length / 3)) ? best.word : undefined;
}
