export { checkPicture } from './check-picture.js';
export type { CheckedPicture } from './check-picture.js';
export { contactSheet, strip } from './contact-sheet.js';
export type { ContactSheet, ContactSheetRow } from './sheet-content.js';
export { ingest, probe } from './ingest.js';
export type { IngestedPicture } from './ingest.js';
export { rendition, renditionFormats } from './rendition.js';
export type { RenditionFormat, RenditionOptions } from './rendition.js';
