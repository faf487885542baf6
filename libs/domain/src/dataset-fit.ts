import { MurnauError } from './errors.js';
import { choicesOf } from './sweep-checks.js';
import type { SweepFile } from './sweep-file.js';
import type { TrainingSpec } from './training-spec.js';

/** What runs read of a dataset beside its pictures. */
export interface DatasetNeeds {
  readonly captions: boolean;
  /** Files beside the pictures. */
  readonly masks: boolean;
  /** Alpha channels. */
  readonly transparency: boolean;
}

/** What of a picture matters to those needs. */
export interface PictureFacts {
  readonly name: string;
  readonly has_caption: boolean;
  readonly has_mask: boolean;
  /** Asked only where transparency is needed. */
  readonly is_transparent?: boolean;
}

export const needsOfRun = ({
  templates,
  loss_mask,
}: Pick<TrainingSpec, 'templates' | 'loss_mask'>): DatasetNeeds => ({
  captions: templates === 'captions',
  masks: loss_mask === 'file',
  transparency: loss_mask === 'alpha',
});

/** What any trial of a sweep may come to need, whatever its method draws. */
export function needsOfSweep({ parameters }: Pick<SweepFile, 'parameters'>): DatasetNeeds {
  const may = (name: 'templates' | 'loss_mask', value: string): boolean => {
    const parameter = parameters[name];
    return parameter !== undefined && choicesOf(parameter)?.includes(value) === true;
  };
  return {
    captions: may('templates', 'captions'),
    masks: may('loss_mask', 'file'),
    transparency: may('loss_mask', 'alpha'),
  };
}

/**
 * Refuses a dataset that lacks what its runs read. A picture without a mask counts whole; without a caption there is
 * nothing to read.
 * @param field what named the dataset
 * @throws `caption.missing`, `mask.missing`
 */
export function checkDatasetFits(
  needs: DatasetNeeds,
  pictures: readonly PictureFacts[],
  field: string,
): void {
  const silent = pictures.filter(({ has_caption }) => !has_caption).map(({ name }) => name);
  if (needs.captions && silent.length > 0) {
    throw new MurnauError(
      'caption.missing',
      `${silent.length} of ${pictures.length} pictures have no caption: ${silent.join(', ')}`,
      { field, given: silent.join(', '), allowed: 'a caption for each picture where templates is captions' },
    );
  }
  if (needs.masks && !pictures.some(({ has_mask }) => has_mask)) {
    throw noMask(field, 'file', 'a mask beside it, such as 1.mask.png beside 1.png');
  }
  if (needs.transparency && !pictures.some(({ is_transparent }) => is_transparent === true)) {
    throw noMask(field, 'alpha', 'a transparent part');
  }
}

const noMask = (field: string, loss_mask: string, what: string): MurnauError =>
  new MurnauError('mask.missing', `loss_mask is ${loss_mask}, but no picture of the dataset has ${what}`, {
    field,
    given: 'no mask',
    allowed: 'loss_mask none, or a dataset with masks',
  });
