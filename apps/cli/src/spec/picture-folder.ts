import { readFile } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { longestWordedText, MurnauError, refuseOddText, toMurnauError } from '@murnau/domain';
import type { PictureFacts } from '@murnau/domain';
import { filesOf, mostPictures, pictureAtPath, whyUnread } from './pictures.js';
import type { Picture } from './pictures.js';

/** A picture to learn from, with what lies beside it: `1.mask.png` and `1.txt` beside `1.png`. */
export interface TrainingPicture extends Picture {
  readonly is_transparent: boolean;
  readonly mask: Picture | null;
  /** With `{placeholder}` in it. Null: there is none, or none that can be used. */
  readonly caption: string | null;
  /** Why the text beside it is no caption. */
  readonly captionProblem: MurnauError | null;
}

export interface PictureFolder {
  readonly folder: string;
  readonly pictures: readonly TrainingPicture[];
  /** What is wrong with the pictures that were left out. */
  readonly skipped: readonly string[];
}

/** What a bad picture, or its mask, or an unreadable file does: all are named, or the others are taken without them. */
export const badPictureRules = ['refuse', 'skip'] as const;
export type BadPictureRule = (typeof badPictureRules)[number];

const readAtOnce = 4;
const maskName = /\.mask$/i;

const stemOf = (name: string): string => name.slice(0, name.length - extname(name).length);

/**
 * Reads every picture of a folder whole, with its mask and its caption, before anything is sent.
 * @throws MurnauError `dataset.folder_missing`, `dataset.empty`, `dataset.too_large`; and where bad pictures are
 *   refused the first one's code with all of them named: `image.*`, `mask.*`; `caption.invalid` of an unreadable file
 */
export async function readPictureFolder(
  folder: string,
  onBadPicture: BadPictureRule = 'refuse',
): Promise<PictureFolder> {
  const full = resolve(folder);
  const files = await filesOf(full, folder);
  const [masks, names] = [true, false].map((isMask) =>
    files.pictures.filter((name) => maskName.test(stemOf(name)) === isMask),
  ) as [string[], string[]];
  refuseCount(folder, names.length);
  const problems: MurnauError[] = masks
    .filter((mask) => !names.some((name) => maskOf(name, [mask]) !== undefined))
    .map((mask) => orphan(full, mask));
  const pictures: TrainingPicture[] = [];
  for (let start = 0; start < names.length; start += readAtOnce) {
    const batch = names.slice(start, start + readAtOnce).map((name) =>
      readTrainingPicture(full, name, {
        mask: maskOf(name, masks),
        text: textOf(name, files.texts),
        onBadPicture,
      }).catch((error: unknown) => {
        if (!(error instanceof MurnauError)) throw error;
        return error;
      }),
    );
    for (const read of await Promise.all(batch)) {
      if (read instanceof MurnauError) problems.push(read);
      else pictures.push(read);
    }
  }
  if (problems.length > 0 && onBadPicture === 'refuse') throw together(problems, files.pictures.length);
  if (pictures.length === 0) refuseCount(folder, 0);
  return { folder, pictures, skipped: problems.map(({ message }) => message) };
}

/** Runs that read captions are refused by those that are none; others do not look at them. */
export const badCaptionsOf = ({ pictures }: Pick<PictureFolder, 'pictures'>): MurnauError[] =>
  pictures.flatMap(({ captionProblem }) => (captionProblem === null ? [] : [captionProblem]));

/** @throws MurnauError `caption.invalid`, all of them named */
export function refuseBadCaptions(folder: Pick<PictureFolder, 'pictures'>): void {
  const [first, ...others] = badCaptionsOf(folder);
  if (first === undefined) return;
  const { code, message, field, given, allowed } = first;
  const more = others.map((other) => `\n  ${other.message}`).join('');
  throw new MurnauError(code, `${message}${more}`, { field, given, allowed });
}

/** For `checkDatasetFits`. */
export const factsOf = ({ pictures }: Pick<PictureFolder, 'pictures'>): PictureFacts[] =>
  pictures.map(({ name, mask, caption, is_transparent }) => ({
    name,
    has_mask: mask !== null,
    has_caption: caption !== null,
    is_transparent,
  }));

function refuseCount(folder: string, count: number): void {
  if (count === 0) {
    throw new MurnauError('dataset.empty', `${folder}: the folder has no pictures`, {
      field: 'dataset',
      given: folder,
      allowed: 'files that end in .png, .jpg, .jpeg, .jfif or .webp',
    });
  }
  if (count > mostPictures) {
    throw new MurnauError('dataset.too_large', `${folder}: the folder has ${count} pictures`, {
      field: 'dataset',
      given: String(count),
      allowed: `at most ${mostPictures}`,
    });
  }
}

/** Some systems write an accent apart from its letter, and some tell capitals from small letters. */
const isSameStem = (one: string, other: string): boolean =>
  one.normalize('NFC').toLowerCase() === other.normalize('NFC').toLowerCase();

const maskOf = (name: string, masks: readonly string[]): string | undefined =>
  masks.find((mask) => isSameStem(stemOf(mask), `${stemOf(name)}.mask`));

const textOf = (name: string, texts: readonly string[]): string | undefined =>
  texts.find((text) => isSameStem(stemOf(text), stemOf(name)));

interface FilesBeside {
  readonly mask: string | undefined;
  readonly text: string | undefined;
  readonly onBadPicture: BadPictureRule;
}

async function readTrainingPicture(
  folder: string,
  name: string,
  { mask: maskFile, text: textFile, onBadPicture }: FilesBeside,
): Promise<TrainingPicture> {
  const { checkPicture, checkProportions, ingestLossMask, isTransparent } = await import('@murnau/images');
  const picture = await pictureAtPath(folder, name);
  const bytes = await readFile(picture.path);
  const size = await checkPicture(bytes, { name: picture.path });
  const mask = maskFile === undefined ? null : await pictureAtPath(folder, maskFile);
  if (mask !== null) {
    const read = await ingestLossMask(await readFile(mask.path), { name: mask.path });
    checkProportions(read, size, { mask: mask.path, picture: name });
  }
  const caption = textFile === undefined ? null : await readCaption(join(folder, textFile), onBadPicture);
  const is_transparent = await isTransparent(bytes);
  return caption instanceof MurnauError
    ? { ...picture, is_transparent, mask, caption: null, captionProblem: caption }
    : { ...picture, is_transparent, mask, caption, captionProblem: null };
}

/**
 * Lines are joined: a caption is one.
 * @returns what is wrong with a text that is none
 */
async function readCaption(path: string, onBadPicture: BadPictureRule): Promise<string | MurnauError> {
  const refusal = (what: string, given: string): MurnauError =>
    new MurnauError('caption.invalid', `${path} ${what}`, {
      field: path,
      given: given.slice(0, 120),
      allowed: `1 to ${longestWordedText} characters with {placeholder} in them`,
    });
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const unread = refusal(whyUnread(cause), 'nothing');
    if (onBadPicture === 'refuse') throw unread;
    return unread;
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim().replace(/\s+/g, ' ');
  } catch {
    return refusal('is not UTF-8 text', `${bytes.byteLength} bytes`);
  }
  if (text === '') return refusal('is empty', 'no text');
  try {
    refuseOddText(text, path);
  } catch (cause) {
    const { allowed = '', given = '' } = toMurnauError(cause);
    return refusal(allowed, given);
  }
  if (!text.includes('{placeholder}')) return refusal('has no {placeholder} in it', text);
  if (text.length > longestWordedText) return refusal(`has ${text.length} characters`, text);
  return text;
}

const orphan = (folder: string, mask: string): MurnauError =>
  new MurnauError('mask.missing', `${join(folder, mask)} is a mask with no picture beside it`, {
    field: mask,
    given: mask,
    allowed: `a picture called ${stemOf(mask).replace(maskName, '')}, with any ending`,
  });

function together(problems: readonly MurnauError[], files: number): MurnauError {
  const [first] = problems;
  if (first === undefined || problems.length === 1) return first ?? new MurnauError('internal', 'no problem');
  const { code, field, allowed } = first;
  const list = problems.map(({ message }) => `\n  ${message}`).join('');
  return new MurnauError(
    code,
    `${problems.length} of ${files} files cannot be used; --on-bad-picture skip goes on without them:${list}`,
    { field, given: `${problems.length} files`, allowed },
  );
}
