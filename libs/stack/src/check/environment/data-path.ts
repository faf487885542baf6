import { met, unmet, type Requirement } from './requirement.js';

/** SQLite keeps paths in 512 bytes, of which Temporal's file takes 30 below the data folder. PostgreSQL takes more. */
const longestBytes = 450;

/** What no part can take in the path of the data folder. Everything else works: spaces, quotes, # ? % , : and letters. */
const refused: { of: RegExp; named: string; why: string }[] = [
  { of: /[\n\r]/, named: 'a line break', why: "PostgreSQL's initdb refuses it" },
  { of: /\ufffd/, named: 'bytes that are not UTF-8', why: 'the parts could not name it to each other' },
];

/** Before anything looks at the folder. */
export function checkDataPath(home: string): Requirement {
  const lack = (given: string, why: string): Requirement =>
    unmet('data path', {
      code: 'setup.home_unusable',
      detail: `The path of the data folder holds ${given}, and ${why}`,
      mend: 'choose another: MURNAU_HOME=/path',
      field: 'MURNAU_HOME',
      given: home.length > 200 ? `${home.slice(0, 200)}…` : home,
      allowed: `UTF-8 text without line breaks, of at most ${longestBytes} bytes`,
    });
  const found = refused.find(({ of }) => of.test(home));
  if (found !== undefined) return lack(found.named, found.why);
  const bytes = Buffer.byteLength(home);
  if (bytes > longestBytes)
    return lack(`${bytes} bytes`, `Temporal's file may lie behind at most ${longestBytes}`);
  return met('data path', home);
}
