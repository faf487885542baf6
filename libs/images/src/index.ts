export { checkPicture } from './check-picture.js';
export { contactSheet, strip } from './contact-sheet.js';
export type { ContactSheet, ContactSheetRow } from './sheet-content.js';
export { ingest, probe } from './ingest.js';
export { checkMask, ingestMask } from './mask.js';
export { checkProportions, ingestLossMask, ingestTrainingPicture, isTransparent } from './training.js';
export { readRecipe, writeRecipe } from './recipe.js';
export { rendition } from './rendition.js';
export type { RenditionFormat } from './rendition.js';
