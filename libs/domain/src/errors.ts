/** Every error that a person or a program can meet, in one place. */

export interface ErrorKind {
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;
  readonly httpStatus: number;
  /** Exit code of the command line. */
  readonly exitCode: number;
  /** What to do next, one sentence. */
  readonly nextStep: string;
}

const invalid = (nextStep: string): ErrorKind => ({
  retryable: false,
  httpStatus: 422,
  exitCode: 2,
  nextStep,
});
const missing = (nextStep: string): ErrorKind => ({
  retryable: false,
  httpStatus: 404,
  exitCode: 102,
  nextStep,
});
const failed = (nextStep: string): ErrorKind => ({
  retryable: false,
  httpStatus: 500,
  exitCode: 100,
  nextStep,
});
const passing = (nextStep: string): ErrorKind => ({
  retryable: true,
  httpStatus: 503,
  exitCode: 100,
  nextStep,
});
const conflict = (nextStep: string): ErrorKind => ({
  retryable: false,
  httpStatus: 409,
  exitCode: 2,
  nextStep,
});

/** What HTTP has a status of its own for. */
const unacceptable = (httpStatus: number, nextStep: string): ErrorKind => ({
  retryable: false,
  httpStatus,
  exitCode: 2,
  nextStep,
});
const cancelled = (nextStep: string): ErrorKind => ({
  retryable: false,
  httpStatus: 409,
  exitCode: 103,
  nextStep,
});

export const errorRegistry = {
  'spec.invalid': invalid('Correct the named field and try again.'),
  'request.invalid': invalid('See the HTTP API in docs/http-api.md.'),
  'request.too_large': unacceptable(413, 'Send less at once: docs/http-api.md has the limits.'),
  'request.media_type': unacceptable(
    415,
    'Send JSON as application/json, and files as docs/http-api.md says.',
  ),
  'usage.invalid': invalid('Run the command with --help.'),
  'placeholder.characters': invalid('Choose a made-up word of the letters a to z, such as "sapsan".'),
  'placeholder.known_word': invalid(
    'Choose a word that neither tokenizer knows, such as the word with its vowels changed.',
  ),
  'initializer.not_one_token': invalid('Choose one of the suggested words, each one token in both towers.'),
  'initializer.too_many_tokens': invalid('Raise num_vectors, or choose one of the suggested words.'),
  'dataset.folder_missing': invalid('Check the path of the folder.'),
  'dataset.empty': invalid('Put 3 to 5 pictures (PNG, JPEG or WebP) of one thing into the folder.'),
  'dataset.too_large': invalid('Choose the best 256 pictures or fewer.'),
  'image.unreadable': invalid('Remove the file or save it again as PNG, JPEG or WebP.'),
  'image.too_small': invalid('Use pictures of at least 32 pixels on each side.'),
  'image.too_large': invalid('Scale the picture down to at most 64 megapixels.'),
  'embedding.unreadable': invalid('Export the embedding again; a pickle may hold tensors only.'),
  'embedding.wrong_model': invalid('Use the embedding with the model it was learnt on.'),
  'embedding.placeholder_clash': invalid('Import one of them again under another placeholder.'),
  'model.not_served': invalid(
    'Choose a model that `murnau workers` lists, or start a worker that serves it.',
  ),
  'model.task_not_served': invalid(
    'Choose a model that `murnau models ls` lists with this task, or add the part that the message names.',
  ),
  'model.not_a_model': invalid(
    'Name a folder of the original checkpoints or of diffusers, as docs/cli.md describes under models.',
  ),
  'generation.too_large': invalid('Draw fewer pictures at once, smaller ones, or in fewer steps.'),
  'mask.wrong_size': invalid('Draw the mask in the size of its picture, or for training in its proportions.'),
  'mask.empty': invalid('Paint black, or make transparent, what is to be drawn anew.'),
  'mask.all_black': invalid('Paint white, or leave opaque, what the loss is to look at.'),
  'mask.missing': invalid(
    'Put masks beside the pictures (1.mask.png beside 1.png), save them with transparency, or leave loss_mask at none.',
  ),
  'caption.missing': invalid(
    'Write a text beside each named picture (1.txt beside 1.png), or choose the templates object or style.',
  ),
  'caption.invalid': invalid(
    'Write one line of at most 500 characters as UTF-8 text, with {placeholder} where the new word belongs.',
  ),
  'recipe.missing': invalid('Name a PNG that `murnau generate` or one of its relatives has written.'),
  'recipe.unreadable': invalid('Use the file as it was written, or make the picture from its prompt.'),
  'model.unreadable': failed('Check the model files with `murnau doctor`.'),
  'page.invalid_cursor': invalid('Start again from the first page.'),
  'dataset.not_found': missing('List datasets with `murnau datasets ls`.'),
  'run.not_found': missing('List runs with `murnau runs ls`.'),
  'sweep.not_found': missing('List sweeps with `murnau sweep ls`.'),
  'embedding.not_found': missing('List embeddings with `murnau embeddings ls`.'),
  'generation.not_found': missing('List generations with `murnau generations ls`.'),
  'model.not_registered': missing('List models with `murnau models ls`.'),
  'blob.not_found': missing('Upload the file again.'),
  'sample.not_found': missing('Wait for the first pictures, or look at `murnau runs show ID`.'),
  'route.not_found': missing('See the HTTP API in docs/http-api.md.'),
  'route.wrong_method': unacceptable(405, 'Use one of the methods that are allowed there.'),
  'run.already_ended': conflict('Start another run; an ended one cannot be changed.'),
  'sweep.already_ended': conflict('Start another sweep; an ended one cannot be changed.'),
  'generation.already_ended': conflict('Start another generation; an ended one cannot be changed.'),
  'edit.not_possible': conflict(
    'Look at what it does now: `murnau sweep describe ID` or `murnau runs show ID`.',
  ),
  'removal.in_use': conflict(
    'Remove what is named first, or both together: `--with-dependants`, over HTTP `?dependants=true`.',
  ),
  'removal.still_open': conflict('Cancel what is named, wait until it has ended, then remove it.'),
  'idempotency.mismatch': conflict('Use a new idempotency key for a different request.'),
  'auth.missing': {
    retryable: false,
    httpStatus: 401,
    exitCode: 2,
    nextStep: 'Pass the token of this install, or set MURNAU_TOKEN.',
  },
  'auth.origin': {
    retryable: false,
    httpStatus: 403,
    exitCode: 2,
    nextStep: 'Open the gallery at the address that `murnau up` prints.',
  },
  'claim.stale': conflict('Nothing: a newer attempt has taken the run over.'),
  'claim.fenced': conflict('Nothing: a newer attempt has taken the run over.'),
  'model.changed': failed('Put the former weights back, or start the run again on the new ones.'),
  'checkpoint.corrupt': failed(
    'Report it with the run id; the run goes on from an older checkpoint if you start it again.',
  ),
  'blob.corrupt': failed('Upload the file again and check the disk.'),
  'device.out_of_memory': failed('Lower batch_size, or use a smaller model or a larger device.'),
  'run.diverged': failed('Lower the learning rates.'),
  'run.too_many_restarts': failed('Look at `murnau runs show ID`, mend the cause, then start the run again.'),
  'run.ends_worker': failed(
    'Look at the log of its worker: a picture may be damaged. Remove or save again what it names, then start another run.',
  ),
  'generation.ends_worker': failed(
    'Look at the log of its worker, change the request (another picture, fewer pixels), then start another generation.',
  ),
  'run.cancelled': cancelled('Start the run again if this was not wanted.'),
  'sweep.cancelled': cancelled('Start the sweep again if this was not wanted.'),
  'generation.cancelled': cancelled('Start the generation again if this was not wanted.'),
  'worker.lost': passing('Wait: the run goes on by itself on another worker or when this one is back.'),
  'worker.unavailable': passing('Look at `murnau workers` and `murnau doctor`.'),
  'advisor.unavailable': passing(
    'Wait: sweeps that ask it go on when it is back, or look at `murnau doctor`.',
  ),
  'temporal.unavailable': passing('Wait, or look at `murnau doctor`.'),
  'storage.full': passing('Free disk space; what is running waits for it.'),
  'storage.unavailable': passing('Wait, or look at `murnau doctor`.'),
  'storage.refused': failed('Report it with the log of the part: the database refuses what it was given.'),
  'server.busy': passing('Try again in a moment; docs/operating.md tells how to raise its limits.'),
  'server.unreachable': {
    retryable: true,
    httpStatus: 503,
    exitCode: 2,
    nextStep: 'Start it with `murnau up`, or set MURNAU_SERVER.',
  },
  'setup.python_missing': {
    retryable: false,
    httpStatus: 500,
    exitCode: 2,
    nextStep: 'Install a Python from 3.11 to 3.14, or point MURNAU_PYTHON at one.',
  },
  'setup.environment_broken': {
    retryable: false,
    httpStatus: 500,
    exitCode: 2,
    nextStep: 'Run `npm run bootstrap`: it builds the environment again.',
  },
  'setup.port_taken': {
    retryable: false,
    httpStatus: 500,
    exitCode: 2,
    nextStep: 'Stop the other program or choose another port.',
  },
  'setup.port_unusable': {
    retryable: false,
    httpStatus: 500,
    exitCode: 2,
    nextStep: 'Choose another port, or none: free ones are found.',
  },
  'setup.home_unusable': {
    retryable: false,
    httpStatus: 500,
    exitCode: 2,
    nextStep: 'Mend the named folder, or choose another: `MURNAU_HOME=/path murnau up`.',
  },
  'setup.machine_unfit': {
    retryable: false,
    httpStatus: 500,
    exitCode: 2,
    nextStep: 'Mend what is named, then look at `murnau doctor`.',
  },
  'setup.postgres_failed': {
    retryable: false,
    httpStatus: 500,
    exitCode: 100,
    nextStep: 'Read the end of its log, shown above, and run `murnau doctor`.',
  },
  'setup.postgres_user': {
    retryable: false,
    httpStatus: 500,
    exitCode: 2,
    nextStep: 'Run as an ordinary user, or create the user: `useradd --system postgres`.',
  },
  'setup.data_edition': {
    retryable: false,
    httpStatus: 500,
    exitCode: 2,
    nextStep: 'Move the folder away, or set MURNAU_HOME to another one.',
  },
  'backup.damaged': invalid('Restore from another copy of the backup, or make a new one.'),
  'backup.other_version': invalid('Restore it with the murnau that wrote it, or with a later one.'),
  'backup.folder_not_empty': invalid(
    'Move the data folder away, or choose another: `MURNAU_HOME=/path murnau admin restore FILE`.',
  ),
  'config.invalid': {
    retryable: false,
    httpStatus: 500,
    exitCode: 2,
    nextStep: 'Correct the named environment variable.',
  },
  'setup.part_failed': {
    retryable: false,
    httpStatus: 500,
    exitCode: 100,
    nextStep: 'Read the end of its log, shown above, and run `murnau doctor`.',
  },
  internal: {
    retryable: true,
    httpStatus: 500,
    exitCode: 100,
    nextStep: 'Report it with the log of the part.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof errorRegistry;

export interface ErrorDetails {
  /** Path of the offending field, e.g. `parameters.pair.values[0].placeholder`. */
  readonly field?: string | undefined;
  /** What was given, shortened. */
  readonly given?: string | undefined;
  /** What is allowed. */
  readonly allowed?: string | undefined;
  readonly cause?: unknown;
}

/** The one error class that crosses package boundaries. */
export class MurnauError extends Error {
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly given: string | undefined;
  readonly allowed: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'MurnauError';
    this.code = code;
    this.field = details.field;
    this.given = details.given;
    this.allowed = details.allowed;
  }

  get kind(): ErrorKind {
    return errorRegistry[this.code];
  }
}

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorRegistry, code);
}

/**
 * Wraps what is not yet a MurnauError; keeps the cause. An error that names a code of the registry, from a package that
 * imports nothing, is taken at its word.
 */
export function toMurnauError(error: unknown): MurnauError {
  if (error instanceof MurnauError) return error;
  if (error instanceof Error && 'code' in error && isErrorCode(String(error.code))) {
    const { code, message, field, given, allowed } = error as Error & ErrorDetails & { code: ErrorCode };
    return new MurnauError(code, message, { field, given, allowed, cause: error });
  }
  const message = error instanceof Error ? error.message : String(error);
  return new MurnauError('internal', message, { cause: error });
}
