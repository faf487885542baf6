import { accessSync, constants, existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { shellWord } from '@murnau/environment';
import { isOnPath, launcher, searchedFolders } from '../../core/command-name.js';
import type { Environment } from '../../env.js';

type Person = Pick<Environment, 'searchPath' | 'shell' | 'userHome'>;

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

const onPath: Readonly<Record<Shell, (folder: string) => string>> = {
  bash: (folder) => `echo 'export PATH="${folder}:$PATH"' >> ~/.bashrc`,
  zsh: (folder) => `echo 'export PATH="${folder}:$PATH"' >> ~/.zshrc`,
  fish: (folder) => `fish_add_path ${folder}`,
};

const completion: Readonly<Record<Shell, readonly string[]>> = {
  bash: [`echo 'source <(murnau completion bash)' >> ~/.bashrc`],
  zsh: [`echo 'source <(murnau completion zsh)' >> ~/.zshrc`],
  fish: [
    'mkdir -p ~/.config/fish/completions',
    'murnau completion fish > ~/.config/fish/completions/murnau.fish',
  ],
};

/** Whether a link can be made there, the folder included if it is one of the person's home. */
function isWritable(folder: string, { userHome }: Person): boolean {
  try {
    accessSync(existsSync(folder) ? folder : (userHome ?? folder), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Commands that make `murnau` work in every folder, and complete; those for what is there already are left out. */
export function everywhereLines(person: Person, file = launcher): string[] {
  const name = basename(person.shell);
  const shell = shells.find((known) => known === name) ?? 'bash';
  if (isOnPath(person.searchPath, file)) return [...completion[shell]];
  const searched = searchedFolders(person.searchPath);
  const ofEverybody = ['/usr/local/bin', '/usr/local/bin'] as const;
  const folders = [
    ...['.local/bin', 'bin'].flatMap((folder) =>
      person.userHome === undefined ? [] : [[join(person.userHome, folder), `~/${folder}`] as const],
    ),
    ofEverybody,
  ];
  const ready = folders.find(([folder]) => searched.includes(folder) && isWritable(folder, person));
  const [folder, written] = ready ?? folders[0] ?? ofEverybody;
  return [
    ...(existsSync(folder) ? [] : [`mkdir -p ${written}`]),
    `ln -sf ${shellWord(file)} ${written}/murnau`,
    ...(ready === undefined ? [onPath[shell](written.replace('~', '$HOME'))] : []),
    ...completion[shell],
  ];
}
