import type { Command } from 'commander';
import { familyOptions, familyOptionsOf, familyTable } from '@murnau/domain';
import type { Model } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { bytes } from '../../output/format.js';
import { tableLines } from '../../output/table.js';

/** `2 of 7, 1.2 GB`: on the worker that has most of it in memory. */
function inMemory({ workers }: Model): string {
  const counts = workers.map(({ parts }) => ({
    of: parts.length,
    loaded: parts.filter(({ loaded }) => loaded),
  }));
  const [most] = counts.sort((a, b) => b.loaded.length - a.loaded.length);
  if (most === undefined || most.of === 0) return '–';
  const size = most.loaded.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  return `${most.loaded.length} of ${most.of}${size > 0 ? `, ${bytes(size)}` : ''}`;
}

/** Whether an option says the steps of another diffusion than the decoder's. */
function isRespacing(name: string): boolean {
  const option = familyOptions[name];
  return option !== undefined && 'format' in option && option.format === 'timestep-respacing';
}

function defaults({ sampling }: Model): string {
  if (sampling === null) return '–';
  const respaced = Object.entries(familyOptionsOf(sampling)).filter(([name]) => isRespacing(name));
  return [
    `${sampling.num_steps} steps`,
    `guidance ${sampling.guidance_scale}`,
    ...respaced.map(([name, steps]) => `${name.replace(/_steps$/, '')} ${steps}`),
  ].join(', ');
}

/** `t1 XLM-R`: its text towers, of which each learns rows. */
const towersOf = ({ family }: Model): string =>
  familyTable[family]?.towers.map(({ name, title }) => `${name} ${title}`).join(', ') ?? '–';

export function registerModelsLs(parent: Command, host: Host): void {
  const command = leaf(parent, 'ls', 'list the models that workers serve, with their family and tasks');
  action(command, host, async (context) => {
    const models = await context.client().models();
    const { out } = context.io;
    context.result(models, () => {
      if (models.length === 0) return context.say('No worker serves a model yet. Look at: murnau workers');
      const columns = [
        { title: 'model', cell: ({ name }: Model) => name },
        { title: 'family', cell: ({ family }: Model) => family },
        { title: 'towers', cell: towersOf },
        { title: 'tasks', cell: ({ tasks }: Model) => tasks.join(', ') },
        { title: 'size', align: 'right' as const, cell: ({ image_size }: Model) => `${image_size} px` },
        { title: 'dtype', cell: ({ dtype }: Model) => dtype },
        { title: 'parts in memory', cell: inMemory },
        { title: 'defaults', cell: defaults },
        { title: 'workers', cell: ({ workers }: Model) => workers.map(({ name }) => name).join(', ') },
      ];
      for (const line of tableLines(models, columns, out.colours)) out.line(line);
    });
  });
}
