/** @param {readonly string[]} args @returns {{ requests: number, seed: number }} */
export function readOptions(args) {
  const options = { requests: 10_000, seed: 1 };
  for (const arg of args) {
    const [, name, text] = /^--(requests|seed)=(\d+)$/.exec(arg) ?? [];
    if (name === undefined || (name === 'requests' && Number(text) < 1)) {
      throw new Error(`${arg}: give --requests=N (default 10000), --seed=N (default 1)`);
    }
    options[name] = Number(text);
  }
  return options;
}
