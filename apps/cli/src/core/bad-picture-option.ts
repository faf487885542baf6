import { Option } from 'commander';
import { badPictureRules } from '../spec/picture-folder.js';

/** Of every command that reads a folder of pictures. */
export const badPictureOption = (): Option =>
  new Option('--on-bad-picture <rule>', 'what to do where a picture, its mask or its caption cannot be used')
    .choices(badPictureRules)
    .default('refuse');
