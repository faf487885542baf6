// Words that only one family of models knows: nothing outside its folder may say them (docs/architecture.md). They are
// taken from the generated table, so a new family's are looked for from its first day.

/** Words of the table that several families share, or that every embedding has: not looked for. */
export const sharedWords = new Map([
  ['CLIP', 'an architecture'],
  ['text_encoder', "diffusers' name of any text tower"],
  ['clip_text', 'a network of that architecture'],
  ['clip_image', 'a network of that architecture'],
  ['unet', 'an architecture'],
  ['inpaint_unet', 'a UNet with more channels'],
  ['pooling', 'travels with each learnt embedding: a field of the protocol, the store and the API'],
]);

/** Words that some files may say after all. */
export const exceptions = [
  {
    word: 'prior',
    files: /^python-worker\/src\/murnau_worker\/(models|sampling)\//,
    why: 'the name of a network, and of its diffusion, that families share',
  },
  {
    word: 'mT5',
    files: /^python-worker\/src\/murnau_worker\/models\//,
    why: 'the name of a network',
  },
];

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const whole = (pattern) => `(?<![A-Za-z0-9])(?:${pattern})(?![A-Za-z0-9])`;
/** Parts of a name with or without punctuation between them: kandinsky-2.1, Kandinsky 2.1, kandinsky_2_1, kandinsky21. */
const spelled = (name) => (name.match(/[A-Za-z]+|[0-9]+/g) ?? []).map(escaped).join('[-_. ]?');
/** `prior_steps`, `prior-steps`, `prior steps`, `priorSteps`. */
const keyed = (key) => key.split('_').map(escaped).join('[-_ ]?');

function namePatterns(name) {
  const version = /(\d+)\.(\d+)$/.exec(name);
  // A bare 2.0 may be any number.
  const bare =
    version === null || version[2] === '0'
      ? []
      : [`(?<![\\w.])${version[1]}[._-]${version[2]}(?!\\w|[.]\\d)`];
  return [`(?<![A-Za-z0-9])${spelled(name)}(?![0-9])`, ...bare];
}

/** A tower's name as a whole word, as the end of a key (`norm_t1`), and in camel case (`normT1`). */
const towerPattern = (name) => {
  const capital = name[0].toUpperCase() + name.slice(1);
  return `${whole(escaped(name))}|${whole(escaped(capital))}|(?<=[a-z])${escaped(capital)}(?![A-Za-z0-9])`;
};

/**
 * What to look for, by the word of the table it stands for.
 * @param {Record<string, object>} families the generated table
 * @returns {{ word: string, pattern: RegExp }[]}
 */
export function familyPatterns(families) {
  const patterns = new Map();
  const add = (word, pattern, flags = 'gi') => {
    if (!sharedWords.has(word)) patterns.set(word, new RegExp(pattern, flags));
  };
  for (const [name, family] of Object.entries(families)) {
    const others = Object.entries(families).flatMap(([other, table]) => (other === name ? [] : [table]));
    const isOwn = (list, word) => !others.some((other) => other[list].some((entry) => entry.name === word));
    add(name, namePatterns(name).join('|'));
    for (const tower of family.towers) {
      if (isOwn('towers', tower.name)) add(tower.name, towerPattern(tower.name), 'g');
      if (!others.some((other) => other.towers.some(({ title }) => title === tower.title)))
        add(tower.title, whole(spelled(tower.title)));
    }
    for (const part of family.parts) if (isOwn('parts', part.name)) add(part.name, whole(keyed(part.name)));
    for (const section of ['parameters', 'options'])
      for (const key of Object.keys(family[section]))
        if (!others.some((other) => Object.hasOwn(other[section], key))) add(key, keyed(key));
  }
  return [...patterns].map(([word, pattern]) => ({ word, pattern }));
}

/**
 * @param {string} file its path, relative to the checkout; it is read too
 * @param {string} text
 * @param {{ word: string, pattern: RegExp }[]} patterns
 * @returns {{ line: number, word: string }[]} one for each line and word; line 0 is the path
 */
export function familyWords(file, text, patterns) {
  const found = [];
  for (const [index, line] of [file, ...text.split('\n')].entries()) {
    for (const { word, pattern } of patterns) {
      if (exceptions.some((exception) => exception.word === word && exception.files.test(file))) continue;
      if (line.search(pattern) >= 0) found.push({ line: index, word });
    }
  }
  return found;
}
