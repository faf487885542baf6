import { z } from 'zod';
import { familyOptions, optionFields, samplers } from './families/families.js';
import type { Sampler } from './families/families.js';
import { defaultModel } from './families/registry.js';
import { familyOptionsOf } from './families/values.js';
import { modelNameSchema, seedSchema } from './training-spec.js';

export const drawingTasks = ['text2img', 'fuse', 'inpaint', 'img2img'] as const;
export type DrawingTask = (typeof drawingTasks)[number];

/** Longest text; of a long one the model reads the beginning only, and says so. */
const longestText = 10_000;
export const mostFuseItems = 16;
/** Below this a sum of weights is taken for rounding. */
const leastWeightSum = 1e-6;

const promptSchema = z.string().min(1).max(longestText);
const stepsSchema = z.int().min(1).max(1000);
const guidanceSchema = z.number().min(1).max(100);
const sideSchema = z.int().min(1).max(4096);
/** SHA-256 of a stored file. */
export const blobHashSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be the hash of an uploaded file: 64 hexadecimal digits');

/** Absent: the model's default, unless said otherwise. */
const options = {
  model: modelNameSchema.default(defaultModel),
  /** Ids of learnt embeddings. Absent: the newest of each placeholder in the texts. */
  embedding_ids: z.array(z.string()).max(16).optional(),
  count: z.int().min(1).max(64).default(4),
  /** Picture i has seed + i. */
  seed: seedSchema.default(0),
  /** Decoder steps. */
  num_steps: stepsSchema.optional(),
  /** Decoder guidance. */
  guidance_scale: guidanceSchema.optional(),
  sampler: z.enum(samplers).default(samplers[0]),
  /** Share of fresh noise in each DDIM step. Absent: 0. */
  ddim_eta: z.number().min(0).max(1).optional(),
  /** In pixels. Absent: the given picture's, else the model's. */
  width: sideSchema.optional(),
  height: sideSchema.optional(),
  ...optionFields,
  /** Decoder steps between previews. Absent: none. */
  preview_every_steps: stepsSchema.optional(),
};

const fuseItemSchema = z
  .strictObject({
    text: promptSchema.optional(),
    /** Hash of a picture. */
    image: blobHashSchema.optional(),
    /** Factor of its embedding; the sum is not scaled to 1. */
    weight: z.number().min(-100).max(100),
  })
  .refine(({ text, image }) => (text === undefined) !== (image === undefined), {
    error: 'must have either text or image',
  });
export type FuseItem = z.output<typeof fuseItemSchema>;

/** Joins a task's own fields with what all tasks share. */
function requestOf<Task extends DrawingTask, Shape extends z.core.$ZodLooseShape>(task: Task, shape: Shape) {
  return z.strictObject({ task: z.literal(task), ...shape, ...options }).refine(
    (request) => {
      const { sampler, ddim_eta } = request as { sampler: Sampler; ddim_eta?: number };
      return sampler === 'ddim_sampler' || ddim_eta === undefined || ddim_eta === 0;
    },
    { path: ['ddim_eta'], error: 'must be absent or 0 unless sampler is ddim_sampler' },
  );
}

const textToImageSchema = requestOf('text2img', { prompt: promptSchema });
const fuseSchema = requestOf('fuse', {
  items: z
    .array(fuseItemSchema)
    .min(1)
    .max(mostFuseItems)
    .refine((items) => Math.abs(items.reduce((sum, { weight }) => sum + weight, 0)) > leastWeightSum, {
      error: 'must have weights that do not sum to 0',
    }),
});
const inpaintSchema = requestOf('inpaint', {
  prompt: promptSchema,
  /** Hash of the picture. */
  image: blobHashSchema,
  /** Hash of a mask of the picture's size: white keeps, black repaints. */
  mask: blobHashSchema,
});
const imageToImageSchema = requestOf('img2img', {
  prompt: promptSchema,
  /** Hash of the picture to start from. */
  image: blobHashSchema,
  /** How much of the picture is kept. */
  strength: z.number().gt(0).lt(1),
});

/** One drawing task and all its options. */
export const generationRequestSchema = z.discriminatedUnion(
  'task',
  [textToImageSchema, fuseSchema, inpaintSchema, imageToImageSchema],
  {
    error: ({ code }) => (code === 'invalid_union' ? `must be one of ${drawingTasks.join(', ')}` : undefined),
  },
);
export type GenerationRequest = z.output<typeof generationRequestSchema>;
export type GenerationRequestInput = z.input<typeof generationRequestSchema>;

/** A picture that a request starts from, and the field that names it. */
export interface RequestInput {
  readonly field: string;
  readonly hash: string;
}

/** Pictures and masks that a request refers to, in the order of its fields. */
export function inputsOf(request: GenerationRequest): RequestInput[] {
  switch (request.task) {
    case 'text2img':
      return [];
    case 'fuse':
      return request.items.flatMap(({ image }, index) =>
        image === undefined ? [] : [{ field: `items[${index}].image`, hash: image }],
      );
    case 'inpaint':
      return [
        { field: 'image', hash: request.image },
        { field: 'mask', hash: request.mask },
      ];
    case 'img2img':
      return [{ field: 'image', hash: request.image }];
  }
}

function isPrompt(name: string): boolean {
  const option = familyOptions[name];
  return option !== undefined && 'format' in option && option.format === 'prompt';
}

/** Every text of a request in which a learnt word may stand. */
export function textsOf(request: GenerationRequest): string[] {
  const own =
    request.task === 'fuse'
      ? request.items.flatMap(({ text }) => (text === undefined ? [] : [text]))
      : [request.prompt];
  const prompts = Object.entries(familyOptionsOf(request)).filter(([name]) => isPrompt(name));
  return [...own, ...prompts.map(([, text]) => String(text))];
}

/** Words of a request's texts that could be placeholders, each once. */
export function wordsOf(request: GenerationRequest): string[] {
  return [...new Set(textsOf(request).flatMap((text) => text.toLowerCase().match(/[a-z]+/g) ?? []))];
}

/** What a request is called where a line must do: its prompt, or what it mixes. */
export function titleOf(request: GenerationRequest): string {
  if (request.task !== 'fuse') return request.prompt;
  return request.items.map(({ text = 'a picture', weight }) => `${weight} × ${text}`).join(' + ');
}
