import type { Command } from 'commander';
import type { Host } from './core/command.js';

/** A word after `murnau`: the folder of its name in `commands/`. */
interface Noun {
  /** With its arguments, as commander writes them. */
  readonly usage: string;
  readonly summary: string;
  /** It only groups verbs. */
  readonly hasVerbs?: true;
  /** Its `register` adds flags and an action, or verbs, to its command. */
  readonly load: () => Promise<{ readonly register: (command: Command, host: Host) => void }>;
}

/** In the order of `murnau --help`, which loads none of them. */
export const nouns: readonly Noun[] = [
  {
    usage: 'up',
    summary: 'start the embedded stack, or mend what is missing of it; it outlives the terminal',
    load: () => import('./commands/up/index.js'),
  },
  {
    usage: 'down',
    summary: 'stop the embedded stack; what is running goes on at the next up',
    load: () => import('./commands/down/index.js'),
  },
  {
    usage: 'doctor',
    summary: 'check every part and say how to mend what is wrong',
    load: () => import('./commands/doctor/index.js'),
  },
  {
    usage: 'demo',
    summary: 'up, then a small sweep on example pictures, watched to its end',
    load: () => import('./commands/demo/index.js'),
  },
  {
    usage: 'datasets',
    summary: 'pictures to learn from',
    hasVerbs: true,
    load: () => import('./commands/datasets/index.js'),
  },
  {
    usage: 'train <dataset>',
    summary: 'train one embedding on a folder of pictures or a dataset id',
    load: () => import('./commands/train/index.js'),
  },
  {
    usage: 'sweep',
    summary: 'many runs over words and hyper-parameters',
    hasVerbs: true,
    load: () => import('./commands/sweep/index.js'),
  },
  {
    usage: 'runs',
    summary: 'single trainings',
    hasVerbs: true,
    load: () => import('./commands/runs/index.js'),
  },
  {
    usage: 'embeddings',
    summary: 'learnt words',
    hasVerbs: true,
    load: () => import('./commands/embeddings/index.js'),
  },
  {
    usage: 'generate [prompt]',
    summary: 'make pictures from text, learnt words included',
    load: () => import('./commands/generate/index.js'),
  },
  {
    usage: 'fuse',
    summary: 'make pictures of several texts and pictures mixed',
    load: () => import('./commands/fuse/index.js'),
  },
  {
    usage: 'inpaint <prompt>',
    summary: 'draw a part of a picture anew',
    load: () => import('./commands/inpaint/index.js'),
  },
  {
    usage: 'img2img <prompt>',
    summary: 'make pictures from text and a picture to start from',
    load: () => import('./commands/img2img/index.js'),
  },
  {
    usage: 'generations',
    summary: 'pictures that were drawn',
    hasVerbs: true,
    load: () => import('./commands/generations/index.js'),
  },
  {
    usage: 'models',
    summary: 'checkpoints of Kandinsky',
    hasVerbs: true,
    load: () => import('./commands/models/index.js'),
  },
  {
    usage: 'workers',
    summary: 'show each worker: device, memory, models, runs and speed',
    load: () => import('./commands/workers/index.js'),
  },
  {
    usage: 'dashboards',
    summary: 'print links to ready-made views of the Temporal UI and to the gallery',
    load: () => import('./commands/dashboards/index.js'),
  },
  {
    usage: 'admin',
    summary: 'back the data up, and restore them',
    hasVerbs: true,
    load: () => import('./commands/admin/index.js'),
  },
  {
    usage: 'completion <shell>',
    summary: 'print the script by which bash, zsh or fish completes murnau',
    load: () => import('./commands/completion/index.js'),
  },
];

/** The word itself. */
export const nameOf = ({ usage }: Noun): string => usage.split(' ')[0] ?? usage;
