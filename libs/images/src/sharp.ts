import sharp from 'sharp';

// Pictures are few and small; the cores belong to the training beside us.
sharp.concurrency(1);
sharp.cache(false);

export { sharp };
