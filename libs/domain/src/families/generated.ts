/** Made by `npm run generate` from the families' descriptions in python-worker: do not edit. */
export const families = {
  'kandinsky-2.1': {
    title: 'Kandinsky 2.1',
    towers: [
      { name: 't1', title: 'XLM-R', role: "the decoder's text tower", reads_english_only: false },
      { name: 't2', title: 'CLIP', role: "the prior's text tower", reads_english_only: true },
    ],
    parts: [
      { name: 'text_encoder', title: 'text encoder', is_optional: false },
      { name: 'clip_text', title: 'CLIP text tower', is_optional: false },
      { name: 'clip_image', title: 'CLIP image tower', is_optional: false },
      { name: 'prior', title: 'prior', is_optional: false },
      { name: 'unet', title: 'decoder', is_optional: false },
      { name: 'inpaint_unet', title: 'inpainting decoder', is_optional: true },
      { name: 'movq', title: 'MoVQ', is_optional: false },
    ],
    tasks: ['train', 'text2img', 'fuse', 'inpaint', 'img2img'],
    objectives: [
      { name: 'joint', help: '' },
      { name: 'split', help: 't2, then t1' },
      { name: 'warm_joint', help: 'some split steps first' },
    ],
    parameters: {
      prior_share: {
        type: 'number',
        exclusiveMinimum: 0,
        exclusiveMaximum: 1,
        default: 0.5,
        description: 'share of the split steps that train t2',
      },
      warm_steps: {
        type: 'integer',
        minimum: 2,
        maximum: 1000000,
        default: 60,
        description: 'split steps before the joint ones of warm_joint',
      },
      pooling: {
        type: 'string',
        enum: ['eot', 'argmax'],
        default: 'eot',
        description: 'token whose feature CLIP pools',
      },
      text_dropout: { type: 'boolean', default: false, description: "XLM-R's dropout, as in the reference" },
      prior_steps: {
        type: 'integer',
        minimum: 1,
        maximum: 100,
        default: 5,
        description: 'steps of the prior within each training step',
      },
    },
    samplers: ['ddim_sampler', 'plms_sampler', 'p_sampler'],
    options: {
      prior_steps: {
        type: 'string',
        format: 'timestep-respacing',
        timesteps: 1000,
        description: 'prior steps: 25, ddim25, or 10,5 for sections',
      },
      prior_guidance_scale: { type: 'number', minimum: 1, maximum: 100, description: 'prior guidance' },
      negative_prior_prompt: {
        type: 'string',
        format: 'prompt',
        minLength: 1,
        maxLength: 10000,
        description: 'what the prior keeps away from',
      },
      negative_decoder_prompt: {
        type: 'string',
        format: 'prompt',
        minLength: 1,
        maxLength: 10000,
        description: 'what the decoder keeps away from',
      },
      reference_quirks: {
        type: 'boolean',
        default: false,
        description: 'follow the original where that is wrong',
      },
    },
    embedding_formats: [
      { name: 'bin', suffix: 'bin', reads: true, pipeline: null, help: "the reference script's file" },
      {
        name: 'diffusers_t1',
        suffix: 't1.safetensors',
        reads: false,
        pipeline: 'decoder',
        help: "t1's rows for diffusers' decoder pipelines",
      },
      {
        name: 'diffusers_t2',
        suffix: 't2.safetensors',
        reads: false,
        pipeline: 'prior',
        help: "t2's rows for diffusers' prior pipelines",
      },
    ],
  },
} as const;
