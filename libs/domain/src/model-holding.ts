/** How a worker may hold a model: the words of `models.yaml` and of `murnau models add`. */
export const modelDtypes = ['float32', 'bfloat16', 'float16'] as const;
/** auto: bfloat16 on a GPU that computes in it, else float32. */
export const heldDtypes = ['auto', ...modelDtypes] as const;
export type ModelDtype = (typeof modelDtypes)[number];

export const modelDevices = ['auto', 'cpu', 'cuda'] as const;
export type ModelDevice = (typeof modelDevices)[number];

/** `parts`: only the parts that a step needs are on the device. */
export const modelOffloads = ['none', 'parts'] as const;
export type ModelOffload = (typeof modelOffloads)[number];

/** `on`: training computes blocks again instead of keeping what they were; `auto`: where a GPU is small for the model. */
export const modelCheckpointings = ['auto', 'on', 'off'] as const;
export type ModelCheckpointing = (typeof modelCheckpointings)[number];
