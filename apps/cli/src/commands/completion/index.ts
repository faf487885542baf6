import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { addExamples } from '../../core/command.js';
import type { CommonOptions } from '../../core/context.js';
import type { Host } from '../../core/command.js';

const shells = ['bash', 'zsh', 'fish'] as const;

/** In apps/cli/completion; this file lies in apps/cli/dist/commands/completion. */
const scriptOf = (shell: string): Promise<string> =>
  readFile(new URL(`../../../completion/murnau.${shell}`, import.meta.url), 'utf8');

export function register(command: Command, { io }: Host): void {
  command.registeredArguments[0]?.choices(shells);
  addExamples(command, [
    { command: 'source <(murnau completion bash)', does: 'completes in this bash; in ~/.bashrc: in each' },
    { command: 'source <(murnau completion zsh)', does: 'completes in this zsh; in ~/.zshrc: in each' },
    {
      command:
        'mkdir -p ~/.config/fish/completions; murnau completion fish > ~/.config/fish/completions/murnau.fish',
      does: 'completes in every fish',
    },
  ]);
  // Without a context, which would take longer than all the rest: shells run this when they start.
  command.action(async (shell: string) => {
    const script = await scriptOf(shell);
    const { json } = command.optsWithGlobals<CommonOptions>();
    io.out.write(json === true ? `${JSON.stringify({ shell, script })}\n` : script);
  });
}
