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

/** The known word nearest to a mistyped one, if it is near enough to be meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: { word: string; cost: number } | undefined;
  for (const candidate of known) {
    const cost =
      candidate.startsWith(word) || word.startsWith(candidate) ? 1 : distance(word.toLowerCase(), candidate);
    if (best === undefined || cost < best.cost) best = { word: candidate, cost };
  }
  return best !== undefined && best.cost <= Math.max(2, Math.floor(word.length / 3)) ? best.word : undefined;
}
