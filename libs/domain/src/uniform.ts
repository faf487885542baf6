/** splitmix64 of (seed, indices): uniform in [0, 1), independent of the order of calls. */
export function uniform(seed: number, ...indices: readonly number[]): number {
  const mask = (1n << 64n) - 1n;
  let state = BigInt(seed) & mask;
  let output = 0n;
  for (const index of [...indices, 0]) {
    state = (state + 0x9e3779b97f4a7c15n + BigInt(index) * 0xd1b54a32d192ed03n) & mask;
    let mixed = state;
    mixed = ((mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n) & mask;
    mixed = ((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn) & mask;
    output = mixed ^ (mixed >> 31n);
    state = output;
  }
  return Number(output >> 11n) / 2 ** 53;
}
